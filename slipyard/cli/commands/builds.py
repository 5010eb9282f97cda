"""`slipyard builds list|show|log|cancel`."""

from typing import Annotated

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.build_log import follow_build_log, print_build_log
from slipyard.cli.client import connect, segment
from slipyard.cli.numbered import find_id
from slipyard.cli.options import AppOption, Json, Limit
from slipyard.cli.output import ago, print_fields, print_json, print_table, styled_status
from slipyard.cli.spans import short_commit, took

app = typer.Typer(no_args_is_help=True, help="List, show and cancel builds; read their logs.")
BuildArgument = Annotated[str | None, typer.Argument(metavar="BUILD", help="Number or id; default the newest.")]


@app.command("list")
def list_builds(*, app_name: AppOption = None, limit: Limit = 20, as_json: Json = False) -> None:
    """List the builds of an app, newest first."""
    page = connect().get(_path(app_name), limit=limit)
    if as_json:
        print_json(page)
        return
    columns = ("BUILD", "STATUS", "COMMIT", "TOOK", "STARTED", "ERROR")
    print_table(
        columns,
        [
            (
                str(row["number"]),
                styled_status(row["status"]),
                short_commit(row["commit"]),
                took(row),
                ago(row["created_at"]),
                row["error"],
            )
            for row in page["builds"]
        ],
    )


@app.command()
def show(build: BuildArgument = None, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show one build and where its seconds went."""
    client, path = connect(), _path(app_name)
    if build is None:
        newest = client.get(path, limit=1)["builds"]
        build = newest[0]["id"] if newest else "1"
    row = client.get(f"{path}/{segment(find_id(client, path, 'builds', str(build)))}")
    if as_json:
        print_json(row)
        return
    fields = [("Build", str(row["number"])), ("Id", row["id"]), ("Status", styled_status(row["status"]))]
    fields += [("Commit", row["commit"]), ("Image", row["image"])]
    fields += [(f"Image {name}", image["reference"]) for name, image in row["images"].items()]
    fields += [("Took", took(row)), ("Error", row["error"])]
    print_fields([*fields, *((span["name"], f"{span['milliseconds'] / 1000:.2f} s") for span in row["spans"])])


@app.command()
def log(
    build: BuildArgument = None,
    *,
    app_name: AppOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it is over.")] = False,
) -> None:
    """Print the log of a build."""
    client, path = connect(), _path(app_name)
    if build is None:
        where = f"{path.removesuffix('/builds')}/build-log"
    else:
        where = f"{path}/{segment(find_id(client, path, 'builds', build))}/log"
    (follow_build_log if follow else print_build_log)(client, where)


@app.command()
def cancel(
    build: Annotated[str, typer.Argument(help="Number or id.")], *, app_name: AppOption = None, as_json: Json = False
) -> None:
    """Cancel a build, and the deployment that waits for it."""
    client, path = connect(), _path(app_name)
    action = client.post(f"{path}/{segment(find_id(client, path, 'builds', build))}/cancel")
    if as_json:
        print_json(action)
    else:
        print(action["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/builds"
