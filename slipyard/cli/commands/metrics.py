"""`slipyard metrics` and `slipyard top`."""

from datetime import datetime
from typing import Annotated, Any

import typer

from slipyard.cli.amounts import milliseconds, of_limit, size
from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import Cell, print_json, print_table

app = typer.Typer()
top_app = typer.Typer()
_USED = ("CPU", "MEMORY", "NETWORK IN", "OUT", "DISK READ", "WRITTEN", "REQUESTS/S")
_ANSWERED = ("5XX", "P50", "P95", "P99")
_SHORT = 8


@app.command()
def metrics(
    name: AppArgument = None,
    *,
    span: Annotated[str | None, typer.Option("--range", help="Also what was: 15m, 1h, 7d; up to 30d.")] = None,
    step: Annotated[str | None, typer.Option("--step", help="Of a range: 15s, 5m, 1h.")] = None,
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
    instance: Annotated[str | None, typer.Option("--instance", help="Only this instance, by its id.")] = None,
    as_json: Json = False,
) -> None:
    """Show what an app uses beside its limits, and what it answers."""
    query = {"range": span, "step": step, "service": service, "instance": instance}
    found = connect().get(f"/apps/{segment(app_or_fail(name))}/metrics", **query)
    if as_json:
        print_json(found)
    elif span is None:
        _print_now(found["series"])
    else:
        for series in found["series"]:
            _print_range(series)


@top_app.command()
def top(*, as_json: Json = False) -> None:
    """Show what all apps use now, the busiest first."""
    found = connect().get("/metrics")
    if as_json:
        print_json(found)
    elif found["services"]:
        rows = [
            (f"{row['app']} {row['service']}", *_used(row["now"]), *_times(row["answers"])) for row in found["services"]
        ]
        print_table(("APP", *_USED, *_ANSWERED), rows)
    else:
        print("Nothing runs, or nothing was measured yet; the first values come some 30 s after a start.")


def _print_now(series: list[dict[str, Any]]) -> None:
    rows = [(_name(each), *_used(each["now"]), *_times(each["answers"])) for each in series if each["now"]]
    if rows:
        print_table(("", *_USED, *_ANSWERED), rows)
    else:
        print("Nothing runs, or nothing was measured yet; the first values come some 30 s after a start.")


def _print_range(series: dict[str, Any]) -> None:
    answers = {row["at"]: row for row in series["answer_points"]}
    rows = [(_clock(row["at"]), *_used(row), *_times(answers.get(row["at"]))) for row in series["points"]]
    print_table((_name(series), *_USED, *_ANSWERED), rows)


def _name(series: dict[str, Any]) -> str:
    return str(series["name"]) if series["kind"] == "service" else f"  {series['name'][-_SHORT:]}"


def _used(row: dict[str, Any]) -> tuple[Cell, ...]:
    cores = None if row["cpu_limit_cores"] is None else f"{row['cpu_limit_cores']:g}"
    limit = None if row["memory_limit_bytes"] is None else size(row["memory_limit_bytes"])
    rates = (row["network_received"], row["network_sent"], row["disk_read"], row["disk_written"])
    return (
        of_limit(f"{row['cpu_cores']:.3f}", cores, row["cpu_percent"]),
        of_limit(size(row["memory_bytes"]), limit, row["memory_percent"]),
        *(f"{size(rate)}/s" for rate in rates),
        f"{row['requests_per_second']:.1f}",
    )


def _times(answers: dict[str, Any] | None) -> tuple[Cell, ...]:
    if answers is None or not answers["requests"]:
        return ("-",) * len(_ANSWERED)
    errors = str(answers["statuses"].get("5xx", 0))
    return errors, *(milliseconds(answers[name]) for name in ("p50_ms", "p95_ms", "p99_ms"))


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%m-%d %H:%M:%S}"
