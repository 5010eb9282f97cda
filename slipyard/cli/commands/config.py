"""`slipyard config explain|validate|history|diff|restore`: versions of the variables and secrets of an app."""

import json
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.changed_configuration import conclude
from slipyard.cli.client import connect, segment
from slipyard.cli.commands.config_validate import validate
from slipyard.cli.options import AppOption, Detach, Json, Limit, NoDeploy
from slipyard.cli.output import ago, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Show and compare versions of the configuration of an app, and go back.")
app.command()(validate)
Version = Annotated[int, typer.Argument(min=1, help="Number of a version.")]


@app.command()
def explain(
    *,
    app_name: AppOption = None,
    every: Annotated[bool, typer.Option("--all", help="Also what nobody said otherwise.")] = False,
    as_json: Json = False,
) -> None:
    """Show what is in force and where it came from; with --all defaults too."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
        return
    shown = [row for row in found["values"] if every or row["origin"] != "default"]
    print_table(("NAME", "VALUE", "FROM"), [(row["name"], _short(row["value"]), row["origin"]) for row in shown])


@app.command()
def history(*, app_name: AppOption = None, limit: Limit = 20, as_json: Json = False) -> None:
    """List versions, the newest first: who changed what, and which one is live."""
    found = connect().get(f"{_path(app_name)}/versions", limit=limit)
    if as_json:
        print_json(found)
    else:
        print_table(("VERSION", "WHEN", "BY", "WHAT", ""), [_row(row) for row in found["versions"]])


@app.command()
def diff(
    before: Annotated[int | None, typer.Argument(metavar="FROM", help="Default: what is live.")] = None,
    after: Annotated[int | None, typer.Argument(metavar="TO", help="Default: the newest.")] = None,
    *,
    app_name: AppOption = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show values of variables.")] = False,
    as_json: Json = False,
) -> None:
    """Show what changed between two versions. Of secrets only that they did."""
    found = connect().get(f"{_path(app_name)}/diff", **{"from": before, "to": after})
    if as_json:
        print_json(found if reveal else _without_values(found))
        return
    print(f"From version {found['from_version']} to version {found['to_version']}:")
    for row in found["differences"]:
        print(_line(row, reveal=reveal))
    if not found["differences"]:
        print("  nothing differs")


@app.command()
def restore(
    version: Version,
    *,
    app_name: AppOption = None,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Bring variables and secrets of an earlier version back, as a new one."""
    client = connect()
    changed = client.post(f"{_path(app_name)}/versions/{version}/restore", deploy=not no_deploy)
    conclude(client, app_or_fail(app_name), changed, detach=detach, as_json=as_json)


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/config"


def _short(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    marks = [mark for mark in ("current", "live") if row[mark]]
    return (str(row["version"]), ago(row["created_at"]), row["actor"], row["summary"], ", ".join(marks))


def _line(row: dict[str, Any], *, reveal: bool) -> str:
    sign = {"added": "+", "removed": "-", "changed": "~"}[row["change"]]
    kind = "secret " if row["kind"] == "secret" else ""
    old, new = (row["value_before"], row["value_after"]) if reveal and not kind else (row["before"], row["after"])
    return f"  {sign} {kind}{row['name']}: {' -> '.join(side for side in (old, new) if side is not None)}"


def _without_values(found: dict[str, Any]) -> dict[str, Any]:
    bare = [{**row, "value_before": None, "value_after": None} for row in found["differences"]]
    return {**found, "differences": bare}
