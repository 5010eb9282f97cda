"""`slipyard drains list|add|test|remove`: where output is forwarded to."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Failed
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer(no_args_is_help=True, help="List, add, test and remove log drains.")
Name = Annotated[str, typer.Argument(help="Name or id of the log drain.")]


class Kind(StrEnum):
    SYSLOG = "syslog"
    HTTP = "http"
    LOKI = "loki"


@app.command("list")
def list_drains(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List log drains, with what each has sent and dropped; with --app those of one app alone."""
    found = connect().get("/log-drains", app=app_name)
    if as_json:
        print_json(found)
    elif not found["log_drains"]:
        print("No log drains. Add one with `slipyard drains add NAME --kind syslog`.")
    else:
        columns = ("NAME", "KIND", "TARGET", "ON", "SENT", "DROPPED", "REFUSED", "LAST ERROR", "ID")
        print_table(columns, map(_row, found["log_drains"]))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    *,
    kind: Annotated[Kind, typer.Option("--kind", help="What the target speaks.")],
    url_file: Annotated[Path | None, typer.Option("--url-file", help="File that holds the URL.")] = None,
    url_stdin: Annotated[bool, typer.Option("--url-stdin", help="Read the URL from standard input.")] = False,
    authorization_file: Annotated[
        Path | None,
        typer.Option("--authorization-file", help="File with the whole Authorization header, for http and loki."),
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="X-Scope-OrgID, for loki.")] = None,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Forward output from now on. The URL may be a secret: it is asked for, or comes from a file or a pipe."""
    url = read_secret(url_file, "URL: ", from_stdin=url_stdin)
    authorization = None if authorization_file is None else read_secret(authorization_file, "", from_stdin=False)
    body = {"name": name, "kind": str(kind), "url": url, "tenant": tenant, "app": app_name}
    made = connect().post("/log-drains", body | {"authorization": authorization})
    if as_json:
        print_json(made)
    else:
        print(f"Output goes to {made['target']} from now on. `slipyard drains test {made['id']}` sends a line.")


@app.command("test")
def try_drain(name: Name, *, as_json: Json = False) -> None:
    """Send one line now: exit code 0 where it was taken, 1 where not."""
    tried = connect().post(f"/log-drains/{segment(name)}/test")
    if as_json:
        print_json(tried)
    elif tried["success"]:
        print(tried["message"])
    if not tried["success"]:
        raise Failed(tried["message"], code="not_taken")


@app.command()
def remove(name: Name, *, as_json: Json = False) -> None:
    """Remove a log drain; what waits for it is dropped."""
    done = connect().delete(f"/log-drains/{segment(name)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    counts = (str(row[name]) for name in ("sent", "dropped", "refused"))
    return (
        row["name"],
        row["kind"],
        row["target"],
        "yes" if row["enabled"] else "no",
        *counts,
        row["last_error"],
        row["id"],
    )
