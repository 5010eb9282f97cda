"""`slipyard start`, `stop` and `restart`."""

from typing import Annotated

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppArgument, Detach, Json
from slipyard.cli.progress.watch import watch_action

Service = Annotated[str | None, typer.Option("--service", help="Only this service of it.")]
start_app = typer.Typer()
stop_app = typer.Typer()
restart_app = typer.Typer()


@start_app.command()
def start(name: AppArgument = None, *, service: Service = None, detach: Detach = False, as_json: Json = False) -> None:
    """Start a stopped app, or wake a sleeping one; or one service that was stopped: slipyard start shop --service worker."""
    _act(name, "start", _one(service), detach=detach, as_json=as_json)


@stop_app.command()
def stop(name: AppArgument = None, *, service: Service = None, detach: Detach = False, as_json: Json = False) -> None:
    """Stop an app: its requests are finished, it stays defined. Or one service: slipyard stop shop --service worker."""
    _act(name, "stop", _one(service), detach=detach or service is None, as_json=as_json)


@restart_app.command()
def restart(
    name: AppArgument = None,
    services: Annotated[list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Only these.")] = None,
    *,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Restart an app, or some of its services: slipyard restart shop worker. New instances are ready before old ones go."""
    _act(name, "restart", services or [], detach=detach, as_json=as_json)


def _one(service: str | None) -> list[str]:
    return [] if service is None else [service]


def _act(given: str | None, verb: str, services: list[str], *, detach: bool, as_json: bool) -> None:
    client, name = connect(), app_or_fail(given)
    action = client.post(f"/apps/{segment(name)}/{verb}", service=services or None)
    watch_action(client, name, action, follow=not detach, as_json=as_json)
