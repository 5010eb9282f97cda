"""`slipyard schedules list|add|set|run|history|logs|cancel|pause|resume|remove`: commands on cron lines."""

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import Client, connect, segment
from slipyard.cli.failure import Failed, WrongUsage
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import Cell, ago, print_fields, print_json, print_table
from slipyard.domain.duration import seconds_in

app = typer.Typer(no_args_is_help=True, help="Run commands of an app when cron lines say so.")
Name = Annotated[str, typer.Argument(help="Name of the schedule.")]
Number = Annotated[int | None, typer.Argument(metavar="[RUN]", help="Number of a run; default the last.")]
Zone = Annotated[str | None, typer.Option("--tz", help="Time zone of the cron line; default UTC.")]
Service = Annotated[str | None, typer.Option("--service", help="Whose limits it gets.")]
Timeout = Annotated[str | None, typer.Option("--timeout", help="A run is stopped after that: 10m, 2h; default 1h.")]
Retries = Annotated[int | None, typer.Option("--retries", help="Further attempts of a run that failed.")]
RetryAfter = Annotated[str | None, typer.Option("--retry-after", help="Pause between attempts; default 30s.")]
_LOOK_SECONDS = 0.5
_OPEN = {"waiting", "running"}


class Overlap(StrEnum):
    ALLOW = "allow"
    FORBID = "forbid"
    REPLACE = "replace"


Overlapping = Annotated[Overlap | None, typer.Option("--overlap", help="Where the run before still runs.")]


@app.command("list")
def list_schedules(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """List schedules, with their last run and when they are due next."""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    elif not found["schedules"]:
        print("No schedules. Add one with `slipyard schedules add nightly '0 3 * * *' -- COMMAND`.")
    else:
        print_table(("NAME", "CRON", "ZONE", "NEXT", "LAST RUN", "COMMAND"), map(_row, found["schedules"]))


@app.command()
def add(
    name: Name,
    cron: Annotated[str, typer.Argument(help="Five fields in quotes, or @hourly, @daily, @weekly, @monthly.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="Program and arguments, after --.")],
    *,
    app_name: AppOption = None,
    zone: Zone = None,
    overlap: Overlapping = None,
    timeout: Timeout = None,
    retries: Retries = None,
    retry_after: RetryAfter = None,
    service: Service = None,
    as_json: Json = False,
) -> None:
    """Run a command when a cron line says so, in a container of its own of the release that is live. For example:

    slipyard schedules add nightly '30 2 * * *' --tz Europe/Berlin --app shop -- python manage.py clearsessions
    """
    body: dict[str, Any] = {
        "name": name,
        "cron": cron,
        "command": command,
        "time_zone": zone,
        "overlap": overlap,
        "retries": retries,
    }
    body |= {"timeout_seconds": _seconds(timeout), "retry_seconds": _seconds(retry_after), "service": service}
    made = connect().post(_path(app_name), {field: value for field, value in body.items() if value is not None})
    if as_json:
        print_json(made)
    else:
        print(f"{made['name']} is due next at {made['next_at']}; `slipyard schedules run {made['name']}` runs it now.")


@app.command("set")
def change(
    name: Name,
    *,
    app_name: AppOption = None,
    cron: Annotated[str | None, typer.Option("--cron", help="Another cron line.")] = None,
    zone: Zone = None,
    overlap: Overlapping = None,
    timeout: Timeout = None,
    retries: Retries = None,
    retry_after: RetryAfter = None,
    service: Service = None,
    as_json: Json = False,
) -> None:
    """Change what is given; a run that is under way goes on as it began."""
    body: dict[str, Any] = {"cron": cron, "time_zone": zone, "overlap": overlap, "retries": retries, "service": service}
    body |= {"timeout_seconds": _seconds(timeout), "retry_seconds": _seconds(retry_after)}
    given = {field: value for field, value in body.items() if value is not None}
    if not given:
        raise WrongUsage("Say what to change, such as --cron or --timeout.")
    _changed(connect(), f"{_path(app_name)}/{segment(name)}", given, as_json=as_json)


@app.command()
def pause(name: Name, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Let it be due no more; what runs ends by itself."""
    _changed(connect(), f"{_path(app_name)}/{segment(name)}", {"enabled": False}, as_json=as_json)


@app.command()
def resume(name: Name, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Let it be due again, from now on."""
    _changed(connect(), f"{_path(app_name)}/{segment(name)}", {"enabled": True}, as_json=as_json)


@app.command()
def run(
    name: Name,
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for its end.")] = False,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Run it now, and show what it wrote: exit code 0 where it succeeded, 1 where not."""
    client, path = connect(), f"{_path(app_name)}/{segment(name)}"
    started = client.post(f"{path}/run")
    if detach:
        print_json(started) if as_json else print(f"Run {started['number']} of {name} begins.")
        return
    while started["status"] in _OPEN:
        time.sleep(_LOOK_SECONDS)
        started = client.get(f"{path}/runs/{started['number']}")
    _print_output(client, f"{path}/runs/{started['number']}", as_json=as_json)
    if started["status"] != "succeeded":
        raise Failed(f"Run {started['number']} {_words(started)}", code=f"run_{started['status']}")


@app.command()
def history(name: Name, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show its runs, the newest first."""
    found = connect().get(f"{_path(app_name)}/{segment(name)}/runs", limit=50)
    if as_json:
        print_json(found)
    elif not found["runs"]:
        print(f"{name} has not run yet.")
    else:
        print_table(("RUN", "DUE", "STATUS", "TOOK", "CODE", "WHY"), map(_run_row, found["runs"]))


@app.command()
def logs(name: Name, number: Number = None, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show what a run wrote."""
    client, path = connect(), f"{_path(app_name)}/{segment(name)}"
    _print_output(client, f"{path}/runs/{number or _last(client, path, name)}", as_json=as_json)


@app.command()
def cancel(name: Name, number: Number = None, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """End a run."""
    client, path = connect(), f"{_path(app_name)}/{segment(name)}"
    ended = client.post(f"{path}/runs/{number or _last(client, path, name)}/cancel")
    print_json(ended) if as_json else print(f"Run {ended['number']} of {name} is being ended.")


@app.command()
def remove(name: Name, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Remove a schedule with its history; what runs is ended."""
    done = connect().delete(f"{_path(app_name)}/{segment(name)}")
    print_json(done) if as_json else print(done["message"])


def _changed(client: Client, path: str, body: dict[str, Any], *, as_json: bool) -> None:
    row = client.patch(path, body)
    if as_json:
        print_json(row)
    else:
        cron = f"{row['cron']} ({row['time_zone']})"
        print_fields([("name", row["name"]), ("cron", cron), ("next", row["next_at"] or "paused")])


def _print_output(client: Client, path: str, *, as_json: bool) -> None:
    found = client.get(f"{path}/logs")
    if as_json:
        print_json(found)
        return
    for line in found["lines"]:
        print(line["message"])
    if not found["lines"]:
        print(f"Run {found['run']['number']} {_words(found['run'])}")


def _last(client: Client, path: str, name: str) -> int:
    last = client.get(path)["last_run"]
    if last is None:
        raise Failed(f"{name} has not run yet. `slipyard schedules run {name}` runs it now.", code="no_run")
    return int(last["number"])


def _words(run: dict[str, Any]) -> str:
    if run["reason"]:
        return f"{run['status']}: {run['reason']}"
    return "wrote nothing." if run["status"] == "succeeded" else f"is {run['status']}."


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/schedules"


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else seconds_in(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    last = row["last_run"]
    shown = f"{last['status']} {ago(last['ended_at'] or last['due_at'])}" if last else "never"
    due = row["next_at"] if row["enabled"] else "paused"
    return row["name"], row["cron"], row["time_zone"], due, shown, " ".join(row["command"])


def _run_row(run: dict[str, Any]) -> tuple[Cell, ...]:
    took = "" if run["seconds"] is None else f"{run['seconds']:.1f} s"
    code = "" if run["exit_code"] is None else str(run["exit_code"])
    return str(run["number"]), ago(run["due_at"]), run["status"], took, code, run["reason"] or run["cause"]
