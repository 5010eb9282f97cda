"""`slipyard ps`: what runs of an app now."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.changed_services import conclude
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppOption, Detach, Json
from slipyard.cli.output import Cell, ago, print_json, print_table, styled_status

app = typer.Typer(invoke_without_command=True, help="Show the instances of an app: state, health, since when.")
_UNPROVEN = {"pending", "starting"}
_AWAY = {"sleeping", "draining", "paused", "terminating", "terminated"}


@app.callback()
def ps(context: typer.Context, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show the instances of an app: state, health, since when. Example: slipyard ps --app shop"""
    if context.invoked_subcommand is not None:
        return
    status = connect().get(f"/apps/{segment(app_or_fail(app_name))}/status")
    if as_json:
        print_json(status)
        return
    rows = sorted(status["instances"], key=lambda row: (row["service"], row["created_at"]))
    if rows:
        columns = ("SERVICE", "INSTANCE", "STATE", "HEALTH", "SINCE", "RESTARTS", "NOTE")
        print_table(columns, map(_row, rows))
    print(f"{status['ready_replicas']} of {status['desired_replicas']} ready. {status['message']}")


@app.command()
def scale(
    wanted: Annotated[list[str], typer.Argument(metavar="SERVICE=N...", help="How many: web=2 worker=3.")],
    *,
    app_name: AppOption = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Say how many of each service run: slipyard ps scale web=2 worker=3 --app shop. Nothing is built."""
    client, name = connect(), app_or_fail(app_name)
    counts = dict(_count(word) for word in wanted)
    changed = client.post(f"/apps/{segment(name)}/scale", {"replicas": counts})
    conclude(client, name, changed, detach=detach, as_json=as_json)


def _count(word: str) -> tuple[str, int]:
    service, _, count = word.partition("=")
    if not service or not count.isdecimal():
        raise WrongUsage(f"{word!r} is not SERVICE=N, as in worker=3.")
    return service, int(count)


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    since = ago(row["started_at"] or row["created_at"])
    state, restarts = styled_status(row["phase"]), str(row["restarts"])
    return row["service"], row["id"][-8:], state, _health(row), since, restarts, row["trouble"]


def _health(row: dict[str, Any]) -> Cell:
    """A worker without a port gets no requests, and is as well as its process."""
    if row["phase"] in _AWAY:
        return "-"
    if row["phase"] in _UNPROVEN:
        return "not yet"
    return styled_status("fail" if row["trouble"] else "ok")
