"""`slipyard route show|edit|apply`: names and rules of an app as one YAML document."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.edit_text import edit_text
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppArgument
from slipyard.cli.versioned import Versioned

app = typer.Typer(no_args_is_help=True, help="Show, edit and replace names and rules of an app as YAML.")


@app.command()
def show(name: AppArgument = None) -> None:
    """Print the route as it is, ready for `apply`."""
    print(_read(name).text, end="")


@app.command(epilog="Example: slipyard route show shop >route.yaml, then slipyard route apply route.yaml shop")
def apply(
    file: Annotated[Path, typer.Argument(help="YAML as `show` prints it; - reads standard input.")],
    name: AppArgument = None,
) -> None:
    """Replace the route by that of a file, all of it or nothing."""
    route = _read(name)
    _conclude(route.text, route.put_yaml(_text(file)))


@app.command()
def edit(name: AppArgument = None) -> None:
    """Open the route in an editor ($VISUAL, $EDITOR), and replace it by what is saved."""
    route = _read(name)
    edited = edit_text(route.text, ".yaml")
    if edited == route.text:
        print("Nothing was changed.")
        return
    _conclude(route.text, route.put_yaml(edited))


def _conclude(before: str, after: str) -> None:
    print("The route is that already." if before == after else "The route is replaced, and in force.")


def _read(name: str | None) -> Versioned:
    return Versioned.read(connect(), f"/apps/{segment(app_or_fail(name))}/route")


def _text(file: Path) -> str:
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{file} cannot be read as text: {error}.") from None
