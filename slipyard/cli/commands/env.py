"""`slipyard env list|set|unset`."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import Client, connect, segment
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import print_json, print_table
from slipyard.cli.progress.watch import watch_deployment

app = typer.Typer(no_args_is_help=True, help="List, set and unset environment variables of an app.")
Deploy = Annotated[bool, typer.Option("--deploy", help="Redeploy with the change, and follow.")]


@app.command("list")
def list_variables(
    *,
    app_name: AppOption = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show values, where your token may see them.")] = False,
    as_json: Json = False,
) -> None:
    """List names and fingerprints; a fingerprint changes with the value and tells nothing of it."""
    found = connect().get(_path(app_name))
    if not reveal:
        found = {**found, "values": None, "env_vars": [{**row, "value": None} for row in found["env_vars"]]}
    if as_json:
        print_json(found)
        return
    columns = ("NAME", "FINGERPRINT", "VALUE") if reveal else ("NAME", "FINGERPRINT")
    print_table(columns, [_row(row, reveal=reveal) for row in found["env_vars"]])


@app.command("set")
def set_variables(
    pairs: Annotated[list[str], typer.Argument(help="NAME=VALUE; NAME=@file and NAME=- keep it off the screen.")],
    *,
    app_name: AppOption = None,
    deploy: Deploy = False,
    as_json: Json = False,
) -> None:
    """Set variables; others stay. They take effect with the next deployment."""
    _change(app_name, dict(parse_pairs(pairs)), deploy=deploy, as_json=as_json)


@app.command("unset")
def unset_variables(
    names: Annotated[list[str], typer.Argument(help="Names.")],
    *,
    app_name: AppOption = None,
    deploy: Deploy = False,
    as_json: Json = False,
) -> None:
    """Take variables away. They are gone with the next deployment."""
    _change(app_name, dict.fromkeys(names), deploy=deploy, as_json=as_json)


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/env"


def _row(row: dict[str, Any], *, reveal: bool) -> tuple[str, ...]:
    known = (row["name"], row["fingerprint"])
    return (*known, row["value"] or "") if reveal else known


def _change(app_name: str | None, changes: dict[str, Any], *, deploy: bool, as_json: bool) -> None:
    client = connect()
    found = client.patch(_path(app_name), {"env_vars": changes})
    if deploy:
        _redeploy(client, app_or_fail(app_name), as_json=as_json)
    elif as_json:
        print_json({**found, "values": None, "env_vars": [{**row, "value": None} for row in found["env_vars"]]})
    else:
        print(f"{', '.join(changes)} changed. `slipyard deploy` puts it into effect.")


def _redeploy(client: Client, name: str, *, as_json: bool) -> None:
    """The same source and plan: an image that is there already is not built again."""
    action = client.post(f"/apps/{segment(name)}/deploy", {"title": "Environment changed"})
    watch_deployment(client, name, action["deployment_id"], as_json=as_json)
