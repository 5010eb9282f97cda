"""Options that many commands share, named once."""

from typing import Annotated

import typer

AppArgument = Annotated[
    str | None,
    typer.Argument(metavar="APP", help="Name or id; default: slipyard.yaml or the git remote `slipyard` here."),
]
AppOption = Annotated[str | None, typer.Option("--app", "-a", help="Name or id of the app.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return at once; do not follow.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="How many.")]
