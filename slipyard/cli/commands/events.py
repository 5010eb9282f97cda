"""`slipyard events`: what happened to an app, and why."""

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.events import follow as follow_stream
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_json

app = typer.Typer()
_BAD = ("failed", "drift", "rolled_back", "unhealthy", "ended")


@app.command()
def events(
    name: AppArgument = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=500, help="The newest events.")] = 50,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only these: `deployment`, or exactly `deployment.failed`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what happened to an app, and why. Example: slipyard events shop --kind deployment -f"""
    client, path = connect(), f"/apps/{segment(app_or_fail(name))}/events"
    found = client.get(path, newest=True, limit=lines, kind=kind)
    if as_json and not follow:
        print_json(found)
        return
    for row in found["events"]:
        _print(row, as_json=as_json)
    if follow:
        for event in follow_stream(client, path, last=(), after=found["next_after"], kind=kind):
            _print(event.json(), as_json=as_json)


def _print(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(row), flush=True)
    elif sys.stdout.isatty():
        moment = datetime.fromisoformat(row["created_at"]).astimezone()
        mark = Text(f"{moment:%a %H:%M:%S}  {row['kind']:<24} ", style="dim")
        style = "red" if row["kind"].endswith(_BAD) else ""
        Console(highlight=False, soft_wrap=True).print(mark + Text(row["message"], style=style))
    else:
        print(f"{row['created_at']}\t{row['kind']}\t{row['message']}", flush=True)
