"""`slipyard start`, `stop` and `restart`."""

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppArgument, Detach, Json
from slipyard.cli.progress.watch import watch_action

start_app = typer.Typer()
stop_app = typer.Typer()
restart_app = typer.Typer()


@start_app.command()
def start(name: AppArgument = None, *, detach: Detach = False, as_json: Json = False) -> None:
    """Start a stopped app, or wake a sleeping one."""
    _act(name, "start", detach=detach, as_json=as_json)


@stop_app.command()
def stop(name: AppArgument = None, *, as_json: Json = False) -> None:
    """Stop an app: its requests are finished, it stays defined."""
    _act(name, "stop", detach=True, as_json=as_json)


@restart_app.command()
def restart(name: AppArgument = None, *, detach: Detach = False, as_json: Json = False) -> None:
    """Restart an app: new instances are ready before the old ones go."""
    _act(name, "restart", detach=detach, as_json=as_json)


def _act(given: str | None, verb: str, *, detach: bool, as_json: bool) -> None:
    client, name = connect(), app_or_fail(given)
    action = client.post(f"/apps/{segment(name)}/{verb}")
    watch_action(client, name, action, follow=not detach, as_json=as_json)
