"""`slipyard alerts list|add|silence|remove`: what people want to be warned of."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, ago, print_json, print_table
from slipyard.domain.duration import seconds_in

app = typer.Typer(no_args_is_help=True, help="List, add, silence and remove alerts of an app.")
Id = Annotated[str, typer.Argument(help="Id of the alert.")]


class Metric(StrEnum):
    CPU = "cpu"
    MEMORY = "memory"
    ERRORS = "errors"
    CRASH_LOOP = "crash_loop"
    DISK = "disk"
    CERTIFICATE = "certificate"
    FAILED_DEPLOYMENT = "failed_deployment"


@app.command("list")
def list_alerts(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List alerts, with where each stands."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    elif not found["alerts"]:
        print("No alerts. Add one with `slipyard alerts add memory`.")
    else:
        print_table(("METRIC", "FIRES AT", "FOR", "STATE", "FIRED", "SILENT UNTIL", "ID"), map(_row, found["alerts"]))


@app.command()
def add(
    metric: Annotated[
        Metric,
        typer.Argument(help="Of the limit, of the answers, of the disk, days of a certificate, or what happened."),
    ],
    *,
    at: Annotated[
        float | None, typer.Option("--at", help="Percent, days, a count; default 90, errors 5, certificate 14.")
    ] = None,
    below: Annotated[float | None, typer.Option("--below", help="It is over below this.")] = None,
    lasting: Annotated[str | None, typer.Option("--for", help="For how long: 90s, 5m.")] = None,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Add an alert; notifiers tell of it."""
    body = {"metric": str(metric), "threshold": at, "resolve_below": below, "seconds": _seconds(lasting)}
    made = connect().post(_path(app_name), {name: value for name, value in body.items() if value is not None})
    if as_json:
        print_json(made)
    else:
        print(f"{_fires(made)} it fires; notifiers with `--on alert` tell of it. Its id is {made['id']}.")


@app.command()
def silence(
    alert: Id,
    lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h; 0 ends it.")] = "1h",
    *,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Tell nobody for a while; what still fires afterwards is told then."""
    changed = connect().post(f"{_path(app_name)}/{segment(alert)}/silence", {"seconds": _seconds(lasting)})
    if as_json:
        print_json(changed)
    else:
        print(f"Silent until {changed['silenced_until']}." if changed["silenced_until"] else "It is told of again.")


@app.command()
def remove(alert: Id, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Remove an alert."""
    done = connect().delete(f"{_path(app_name)}/{segment(alert)}")
    if as_json:
        print_json(done)
    else:
        print(done["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/alerts"


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else seconds_in(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _fires(row: dict[str, Any]) -> str:
    if row["metric"] == Metric.CERTIFICATE:
        return f"At {row['threshold']:g} days before its end"
    unit = " %" if row["metric"] in {Metric.CPU, Metric.MEMORY, Metric.ERRORS, Metric.DISK} else ""
    return f"At {row['metric']} {row['threshold']:g}{unit} for {row['seconds']:g} s"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    state = row["state"] if row["enabled"] else "off"
    fires, lasting = f"{row['threshold']:g}", f"{row['seconds']:g} s"
    return row["metric"], fires, lasting, state, ago(row["fired_at"]), row["silenced_until"], row["id"]
