"""Options that many commands share, named once."""

from typing import Annotated, Any

import typer

AppArgument = Annotated[
    str | None,
    typer.Argument(metavar="APP", help="Name or id; default: slipyard.yaml or the git remote `slipyard` here."),
]
AppOption = Annotated[str | None, typer.Option("--app", "-a", help="Name or id of the app.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return at once; do not follow.")]
NoDeploy = Annotated[bool, typer.Option("--no-deploy", help="Nothing restarts: it counts from the next deployment on.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="How many.")]
ForceReason = Annotated[
    str | None, typer.Option("--force", metavar="REASON", help="Past a freeze window; the reason is recorded.")
]


def forced(reason: str | None) -> dict[str, Any]:
    """The part of a body."""
    return {} if reason is None else {"force": True, "reason": reason}
