"""`slipyard releases list|show`."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.numbered import find_id
from slipyard.cli.options import AppOption, Json, Limit
from slipyard.cli.output import Cell, ago, print_fields, print_json, print_table
from slipyard.cli.spans import short_commit

app = typer.Typer(no_args_is_help=True, help="Show what was deployed, and where its image comes from.")
ReleaseArgument = Annotated[str | None, typer.Argument(metavar="RELEASE", help="Number or id; default the newest.")]


@app.command("list")
def list_releases(*, app_name: AppOption = None, limit: Limit = 20, as_json: Json = False) -> None:
    """List the releases of an app, newest first."""
    page = connect().get(_path(app_name), limit=limit)
    if as_json:
        print_json(page)
        return
    columns = ("RELEASE", "ACTIVE", "COMMIT", "IMAGE", "VERIFIED", "MADE")
    print_table(columns, [_row(row) for row in page["releases"]])


@app.command()
def show(release: ReleaseArgument = None, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show one release: its image, and from which commit, tree, plan and builder it comes."""
    client, path = connect(), _path(app_name)
    if release is None:
        newest = client.get(path, limit=1)["releases"]
        release = newest[0]["id"] if newest else "1"
    row = client.get(f"{path}/{segment(find_id(client, path, 'releases', str(release)))}")
    if as_json:
        print_json(row)
    else:
        print_fields([*_of_release(row), *_of_origin(row["provenance"])])


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    verified = "yes" if row["provenance"]["verified"] else row["provenance"]["fault"]
    commit, active = short_commit(row["commit"]), "active" if row["active"] else ""
    return str(row["number"]), active, commit, row["image_id"][:19], verified, ago(row["created_at"])


def _of_release(row: dict[str, Any]) -> list[tuple[str, Cell]]:
    return [
        ("Release", str(row["number"])),
        ("Id", row["id"]),
        ("Active", "yes" if row["active"] else "no"),
        ("Image", row["image"]),
        ("Image id", row["image_id"]),
        ("Made", ago(row["created_at"])),
    ]


def _of_origin(origin: dict[str, Any]) -> list[tuple[str, Cell]]:
    return [
        ("Verified", "yes: the signed statement, the release and its build agree" if origin["verified"] else "no"),
        ("Fault", origin["fault"]),
        ("Origin", origin["kind"]),
        ("Commit", origin["commit"]),
        ("Repository", origin["repository"]),
        ("Snapshot", origin["snapshot_digest"]),
        ("Plan", origin["plan_key"]),
        ("Builder", origin["builder"]),
        ("Build", origin["build_id"]),
        ("Reused from", origin["reused_from"]),
        ("Manifest", origin["manifest_digest"]),
        ("Contents", ", ".join(origin["sbom"])),
    ]


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/releases"
