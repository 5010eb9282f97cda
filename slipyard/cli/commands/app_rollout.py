"""`slipyard apps rollout`: how a release of an app takes over, when it is ready, and what runs beside."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import AppArgument, Json
from slipyard.cli.output import print_fields, print_json

_NONE = "none"


def rollout(
    name: AppArgument = None,
    *,
    strategy: Annotated[str | None, typer.Option(help="rolling, blue_green, recreate or canary.")] = None,
    max_surge: Annotated[str | None, typer.Option(help='Instances above the replicas: 1 or "25%".')] = None,
    max_unavailable: Annotated[str | None, typer.Option(help="Replicas that may be missing meanwhile.")] = None,
    canary_steps: Annotated[str | None, typer.Option(help="Percents in steps of 5, such as 5,25,50.")] = None,
    canary_seconds: Annotated[float | None, typer.Option(help="How long each step lasts.")] = None,
    drain_seconds: Annotated[float | None, typer.Option(help="For the requests of old instances.")] = None,
    stop_seconds: Annotated[float | None, typer.Option(help="From the stop signal to the end by force.")] = None,
    health_path: Annotated[str | None, typer.Option(help="Ready when it answers there; none for none.")] = None,
    health_command: Annotated[str | None, typer.Option(help="Ready when it succeeds inside; none for none.")] = None,
    release_command: Annotated[str | None, typer.Option(help="Migrations, before it starts; none for none.")] = None,
    before_deploy: Annotated[str | None, typer.Option(help="Before every deployment; none for none.")] = None,
    after_deploy: Annotated[str | None, typer.Option(help="When it serves; none for none.")] = None,
    as_json: Json = False,
) -> None:
    """Show or change how releases of an app are rolled out; a change takes effect with the next deployment."""
    canary = _given(steps=_steps(canary_steps), seconds=canary_seconds)
    rules = _given(
        strategy=strategy,
        max_surge=max_surge,
        max_unavailable=max_unavailable,
        drain_seconds=drain_seconds,
        stop_seconds=stop_seconds,
        canary=canary or None,
    )
    health = _given(path=health_path, command=health_command)
    commands = _given(release_command=release_command, before_deploy=before_deploy, after_deploy=after_deploy)
    body = _given(rollout=rules or None, health_check=health or None, **commands)
    path = f"/apps/{segment(app_or_fail(name))}"
    found = connect().patch(path, _with_none(body)) if body else connect().get(path)
    if as_json:
        print_json({key: found[key] for key in ("rollout", "health_check", *_COMMANDS)})
    else:
        print_fields(_fields(found))


_COMMANDS = ("release_command", "before_deploy", "after_deploy", "command_seconds")


def _given(**options: Any) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _with_none(body: dict[str, Any]) -> dict[str, Any]:
    """The word takes a setting away, as null does in the API."""
    return {
        key: _with_none(value) if isinstance(value, dict) else None if value == _NONE else value
        for key, value in body.items()
    }


def _steps(text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(step) for step in text.split(",")]
    except ValueError:
        raise WrongUsage("--canary-steps is a list of percents, such as 5,25,50.") from None


def _fields(found: dict[str, Any]) -> list[tuple[str, str]]:
    rules, health = found["rollout"], found["health_check"]
    steps = ", ".join(f"{step} %" for step in rules["canary"]["steps"])
    told = health["command"] or health["path"] or "the image's HEALTHCHECK, else an accepted connection"
    return [
        ("Strategy", rules["strategy"]),
        ("Limits", f"{rules['max_surge']} above, {rules['max_unavailable']} missing"),
        ("Canary", f"{steps}, {rules['canary']['seconds']:g} s each"),
        ("Ready by", told if isinstance(told, str) else " ".join(told)),
        *((key.replace("_", " ").capitalize(), str(found[key] or "-")) for key in _COMMANDS),
    ]
