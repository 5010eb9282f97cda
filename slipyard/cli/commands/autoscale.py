"""`slipyard autoscale show|set|off`: more instances under load, fewer without."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import CommandError
from slipyard.cli.options import AppOption, Json
from slipyard.cli.output import print_json

app = typer.Typer(no_args_is_help=True, help="Scale an app by its load: show, set, off.")
_UNITS = {"cpu": "% CPU", "memory": "% memory", "concurrency": "requests in flight", "requests": "requests/s"}
Percent = Annotated[float | None, typer.Option(help="Percent of its limit that each instance shall use.")]
Each = Annotated[float | None, typer.Option(help="Requests that each instance shall have in flight.")]
Rate = Annotated[float | None, typer.Option(help="Requests a second that each instance shall answer.")]
Least = Annotated[int | None, typer.Option("--min", help="Never fewer; default: as it is.")]
Most = Annotated[int | None, typer.Option("--max", help="Never more; default: as it is.")]
Up = Annotated[float | None, typer.Option("--up-seconds", help="Load of so long asks for more.")]
Down = Annotated[float | None, typer.Option("--down-seconds", help="Quiet for so long asks for fewer.")]
Tolerance = Annotated[float | None, typer.Option("--tolerance", help="Share of a target within which nothing moves.")]


@app.command()
def show(*, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show rules, bounds and the last move. Example: slipyard autoscale show --app shop"""
    found = connect().get(_path(app_name))
    if as_json:
        print_json(found)
    else:
        _print(found)


@app.command("set")
def set_rules(
    *,
    cpu: Percent = None,
    memory: Percent = None,
    concurrency: Each = None,
    requests: Rate = None,
    least: Least = None,
    most: Most = None,
    up_seconds: Up = None,
    down_seconds: Down = None,
    tolerance: Tolerance = None,
    app_name: AppOption = None,
    as_json: Json = False,
) -> None:
    """Scale by load, from now on. Example: slipyard autoscale set --cpu 60 --max 5 --app shop"""
    targets = _given(cpu=cpu, memory=memory, concurrency=concurrency, requests=requests)
    if not targets:
        raise CommandError("Give a target: --cpu, --memory, --concurrency or --requests.")
    rules = _given(up_seconds=up_seconds, down_seconds=down_seconds, tolerance=tolerance)
    bounds = _given(min_instances=least, max_instances=most)
    changed = connect().put(_path(app_name), {"targets": targets, **rules, **bounds})
    if as_json:
        print_json(changed)
    else:
        _print(changed)


@app.command()
def off(*, app_name: AppOption = None) -> None:
    """As many instances as the release says. Example: slipyard autoscale off --app shop"""
    connect().delete(_path(app_name))
    print("It is not scaled by load any more.")


def _given(**values: float | None) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _print(found: dict[str, Any]) -> None:
    if not found["enabled"]:
        print("It is not scaled by load. Turn it on with `slipyard autoscale set --cpu 70 --max 5`.")
        return
    rules = found["rules"]
    targets = ", ".join(f"{target:g} {_UNITS[load]}" for load, target in rules["targets"].items())
    print(f"{found['instances']} instance(s), between {found['min_instances']} and {found['max_instances']}.")
    print(f"Each shall have {targets}. More after {rules['up_seconds']:g} s, fewer after {rules['down_seconds']:g} s.")
    if found["last_move"]:
        print(f"Last move: {found['last_move']}")


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/autoscale"
