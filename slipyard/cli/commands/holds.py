"""`slipyard lock`, `unlock` and `maintenance`."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_json

lock_app = typer.Typer()
unlock_app = typer.Typer()
maintenance_app = typer.Typer(no_args_is_help=True, help="Show a page instead of an app.")
Message = Annotated[str, typer.Option("--message", "-m", help="Why; others read it.")]


@lock_app.command()
def lock(name: AppArgument = None, *, message: Message = "", as_json: Json = False) -> None:
    """Let deployments wait until `slipyard unlock`. Going back is possible with `slipyard rollback --force`."""
    _act(name, "lock", {"reason": message}, as_json=as_json)


@unlock_app.command()
def unlock(name: AppArgument = None, *, as_json: Json = False) -> None:
    """Let deployments go again, those that wait at once."""
    _act(name, "unlock", None, as_json=as_json)


@maintenance_app.command()
def on(name: AppArgument = None, *, message: Message = "", as_json: Json = False) -> None:
    """Visitors get a page with status 503; deployments go on behind it."""
    _act(name, "maintenance", {"enabled": True, "message": message}, as_json=as_json)


@maintenance_app.command()
def off(name: AppArgument = None, *, as_json: Json = False) -> None:
    """Visitors reach the newest release again."""
    _act(name, "maintenance", {"enabled": False}, as_json=as_json)


def _act(given: str | None, verb: str, body: dict[str, Any] | None, *, as_json: bool) -> None:
    action = connect().post(f"/apps/{segment(app_or_fail(given))}/{verb}", body)
    if as_json:
        print_json(action)
    else:
        print(action["message"])
