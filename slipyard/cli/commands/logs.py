"""`slipyard logs`."""

import json
import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from slipyard.cli.app_log import follow_app_log
from slipyard.cli.app_name import app_or_fail
from slipyard.cli.build_log import follow_build_log, print_build_log
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_json

app = typer.Typer()
_SHORT = 8


@app.command()
def logs(
    name: AppArgument = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=2000, help="The newest lines.")] = 200,
    since: Annotated[str | None, typer.Option("--since", help="RFC 3339 time.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="RFC 3339 time.")] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Id of one instance, also of one that is gone.")
    ] = None,
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
    stream: Annotated[str | None, typer.Option("--stream", help="stdout or stderr.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only lines with this text.")] = None,
    build: Annotated[bool, typer.Option("--build", help="The log of the newest build instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show what an app writes; with -f over restarts and redeployments. --json prints an object a line with -f."""
    client, path = connect(), f"/apps/{segment(app_or_fail(name))}"
    if build:
        if as_json:
            raise WrongUsage("A build log is text: leave out --json, or --build.")
        (follow_build_log if follow else print_build_log)(client, f"{path}/build-log")
        return
    query = {
        "lines": lines,
        "since": since,
        "until": until,
        "instance": instance,
        "service": service,
        "stream": stream,
        "search": search,
    }
    if follow:
        for entry in follow_app_log(client, f"{path}/logs", **query):
            _print_entry(entry, as_json=as_json)
        return
    found = client.get(f"{path}/logs", **query)
    if as_json:
        print_json(found)
    else:
        for entry in found["logs"]:
            _print_entry(entry, as_json=False)


def _print_entry(entry: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(entry), flush=True)
    elif sys.stdout.isatty():
        moment = datetime.fromisoformat(entry["timestamp"]).astimezone()
        mark = Text(f"{moment:%H:%M:%S} {entry['instance_id'][-_SHORT:]} ", style="dim")
        style = "red" if entry["stream"] == "stderr" else ""
        Console(highlight=False, soft_wrap=True).print(mark + Text(entry["message"], style=style))
    else:
        print(f"{entry['timestamp']} {entry['instance_id'][-_SHORT:]} {entry['message']}", flush=True)
