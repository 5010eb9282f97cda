"""`slipyard notifiers list|add|test|remove`: who is told of deployments."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Failed
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, print_json, print_table
from slipyard.cli.secret_option import read_secret

app = typer.Typer(no_args_is_help=True, help="List, add, test and remove notifiers.")
Name = Annotated[str, typer.Argument(help="Name or id of the notifier.")]


class Kind(StrEnum):
    WEBHOOK = "webhook"
    APPRISE = "apprise"


class Event(StrEnum):
    DEPLOYED = "deployed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    HEALED = "healed"
    ALERT = "alert"
    RESOLVED = "resolved"
    BACKUP_FAILED = "backup_failed"


@app.command("list")
def list_notifiers(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List notifiers; with --app those of one app alone."""
    found = connect().get("/notifiers", app=app_name)
    if as_json:
        print_json(found)
    elif not found["notifiers"]:
        print("No notifiers. Add one with `slipyard notifiers add NAME --kind webhook`.")
    else:
        print_table(("NAME", "KIND", "TARGET", "EVENTS", "ON", "LAST ERROR", "ID"), map(_row, found["notifiers"]))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    *,
    kind: Annotated[Kind, typer.Option("--kind", help="A signed request, or a URL of Apprise.")],
    events: Annotated[list[Event] | None, typer.Option("--on", help="May be given several times; default all.")] = None,
    url_file: Annotated[Path | None, typer.Option("--url-file", help="File that holds the URL.")] = None,
    url_stdin: Annotated[bool, typer.Option("--url-stdin", help="Read the URL from standard input.")] = False,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Add a notifier. Its URL is a secret: it is asked for, or comes from a file or a pipe."""
    url = read_secret(url_file, "URL: ", from_stdin=url_stdin)
    body: dict[str, Any] = {"name": name, "kind": str(kind), "url": url, "app": app_name}
    made = connect().post("/notifiers", body | ({"events": [str(each) for each in events]} if events else {}))
    if as_json:
        print_json(made)
        return
    print(f"{made['name']} is told of {', '.join(made['events'])}. `slipyard notifiers test {made['id']}` tries it.")
    if made["secret"]:
        print(f"Its requests are signed with this secret, which is shown only now:\n{made['secret']}")


@app.command("test")
def try_notifier(name: Name, *, as_json: Json = False) -> None:
    """Send one message now: exit code 0 where it arrived, 1 where not."""
    tried = connect().post(f"/notifiers/{segment(name)}/test")
    if as_json:
        print_json(tried)
    elif tried["success"]:
        print(tried["message"])
    if not tried["success"]:
        raise Failed(tried["message"], code="not_told")


@app.command()
def remove(name: Name, *, as_json: Json = False) -> None:
    """Remove a notifier."""
    done = connect().delete(f"/notifiers/{segment(name)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    on = "yes" if row["enabled"] else "no"
    return row["name"], row["kind"], row["target"], ", ".join(row["events"]), on, row["last_error"], row["id"]
