"""`slipyard env list|set|unset|import|export`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.changed_configuration import conclude
from slipyard.cli.client import connect, segment
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppOption, Detach, Json, NoDeploy
from slipyard.cli.output import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="List, set, unset, import and export environment variables of an app.")


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
        found = _without_values(found)
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
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Set variables; others stay. What is live restarts with them."""
    body = {"env_vars": dict(parse_pairs(pairs))}
    found = connect().patch(_path(app_name), body, deploy=not no_deploy)
    _conclude(app_name, found, detach=detach, as_json=as_json)


@app.command("unset")
def unset_variables(
    names: Annotated[list[str], typer.Argument(help="Names.")],
    *,
    app_name: AppOption = None,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Take variables away. What is live restarts without them."""
    found = connect().patch(_path(app_name), {"env_vars": dict.fromkeys(names)}, deploy=not no_deploy)
    _conclude(app_name, found, detach=detach, as_json=as_json)


@app.command("import")
def import_variables(
    file: Annotated[Path, typer.Argument(help="A .env file; - reads standard input.")],
    *,
    app_name: AppOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the file does not name.")] = False,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Set variables from a .env file, all of them or none."""
    body = {"text": _text(file), "replace": replace}
    found = connect().post(f"{_path(app_name)}/import", body, deploy=not no_deploy)
    _conclude(app_name, found, detach=detach, as_json=as_json)


@app.command("export")
def export_variables(*, app_name: AppOption = None) -> None:
    """Print variables as a .env file. References stay references; secrets are not in it."""
    sys.stdout.write(connect().text(f"{_path(app_name)}/export"))


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/env"


def _row(row: dict[str, Any], *, reveal: bool) -> tuple[str, ...]:
    known = (row["name"], row["fingerprint"])
    return (*known, row["value"] or "") if reveal else known


def _without_values(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "values": None, "env_vars": [{**row, "value": None} for row in found["env_vars"]]}


def _conclude(app_name: str | None, found: dict[str, Any], *, detach: bool, as_json: bool) -> None:
    if as_json:
        print_json(_without_values(found))
    else:
        conclude(connect(), app_or_fail(app_name), found["change"], detach=detach, as_json=False)


def _text(file: Path) -> str:
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{file} cannot be read as text: {error}.") from None
