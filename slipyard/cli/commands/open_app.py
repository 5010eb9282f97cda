"""`slipyard open`."""

import sys
import webbrowser

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import Refused
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_json

app = typer.Typer()


@app.command()
def open_app(name: AppArgument = None, *, as_json: Json = False) -> None:
    """Open an app in the browser; where there is none, print its address."""
    found = connect().get(f"/apps/{segment(app_or_fail(name))}")
    if found["url"] is None:
        raise Refused(f"{found['slug']} was not deployed yet. Deploy it with `slipyard deploy`.", code="not_deployed")
    if as_json:
        print_json({"url": found["url"]})
        return
    print(found["url"])
    if sys.stdout.isatty():
        webbrowser.open(found["url"])
