"""`slipyard secrets list|set|unset`: values that are written and never shown."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.changed_configuration import conclude
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppOption, Detach, Json, NoDeploy
from slipyard.cli.output import ago, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer(no_args_is_help=True, help="List, set and unset secrets of an app.")
Name = Annotated[str, typer.Argument(help="Name of the secret.")]


class Use(StrEnum):
    RUN = "run"
    BUILD = "build"


@app.command("list")
def list_secrets(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List names, fingerprints, and how each secret is used."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    else:
        print_table(("NAME", "FINGERPRINT", "FOR", "FROM", "FILE", "CHANGED"), [_row(row) for row in found["secrets"]])


@app.command("set")
def set_secret(
    name: Name,
    *,
    app_name: AppOption = None,
    file: Annotated[Path | None, typer.Option("--file", help="File that holds the value.")] = None,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read the value from standard input.")] = False,
    origin: Annotated[str | None, typer.Option("--from", metavar="STORE:KEY", help="Read it there instead.")] = None,
    path: Annotated[str | None, typer.Option("--path", help="Make it a file here, in every container.")] = None,
    mode: Annotated[str, typer.Option("--mode", help="Of that file, octal.")] = "0444",
    use: Annotated[Use, typer.Option("--for", help="Run time, or builds alone.")] = Use.RUN,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Set a secret. Its value is asked for, or comes from a file, a pipe or a store elsewhere."""
    value = None if origin else read_secret(file, f"{name}: ", from_stdin=from_stdin)
    body = {"value": value, "origin": origin, "path": path, "mode": mode, "use": str(use)}
    client = connect()
    changed = client.put(f"{_path(app_name)}/{segment(name)}", body, deploy=not no_deploy)
    conclude(client, app_or_fail(app_name), changed, detach=detach, as_json=as_json)


@app.command("unset")
def unset_secret(
    name: Name,
    *,
    app_name: AppOption = None,
    no_deploy: NoDeploy = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Remove a secret. Refused while a variable refers to it."""
    client = connect()
    changed = client.delete(f"{_path(app_name)}/{segment(name)}", deploy=not no_deploy)
    conclude(client, app_or_fail(app_name), changed, detach=detach, as_json=as_json)


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/secrets"


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    file = f"{row['path']} ({row['mode']})" if row["path"] else "-"
    return (row["name"], row["fingerprint"], row["use"], row["origin"] or "-", file, ago(row["updated_at"]))
