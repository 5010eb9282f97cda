"""`slipyard sleep`: now, or whenever nobody asks for long enough."""

from typing import Annotated

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import CommandError
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_json
from slipyard.domain.duration import seconds_in

app = typer.Typer(help="Let an app sleep while nobody asks for it.")
_MINUTE = 60


@app.command()
def sleep(
    name: AppArgument = None,
    *,
    after: Annotated[
        str | None, typer.Option("--after", help="By itself after so long without a request: 15m.")
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="Not by itself any more.")] = False,
    workers: Annotated[
        bool | None, typer.Option("--workers/--no-workers", help="Services that get no requests sleep along.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put an app to sleep now; or by itself: slipyard sleep shop --after 15m. The first request wakes it."""
    client, path = connect(), f"/apps/{segment(app_or_fail(name))}"
    rules = _rules(after, never=never, workers=workers)
    answer = client.patch(path, rules) if rules else client.post(f"{path}/sleep")
    if as_json:
        print_json(answer)
    elif not rules:
        print(answer["message"])
    elif answer["scale_to_zero_enabled"]:
        print(f"It sleeps after {answer['idle_timeout_minutes']} minutes without a request.")
    else:
        print("It does not sleep by itself.")


def _rules(after: str | None, *, never: bool, workers: bool | None) -> dict[str, object]:
    if after is not None and never:
        raise CommandError("--after and --never contradict each other: give one of them.")
    rules: dict[str, object] = {} if workers is None else {"sleep_workers": workers}
    if after is not None:
        rules |= {"scale_to_zero_enabled": True, "idle_timeout_minutes": _minutes(after)}
    return rules | {"scale_to_zero_enabled": False} if never else rules


def _minutes(text: str) -> int:
    try:
        seconds = seconds_in(text)
    except ValueError as error:
        raise CommandError(f"--after: {error}.") from None
    if seconds < _MINUTE:
        raise CommandError(f"--after {text} is less than a minute, and starting again costs visitors: give 1m or more.")
    return round(seconds / _MINUTE)
