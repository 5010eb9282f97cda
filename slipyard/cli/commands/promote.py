"""`slipyard promote SOURCE --to TARGET`."""

from typing import Annotated, Any

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.numbered import find_id
from slipyard.cli.options import Detach, ForceReason, Json, forced
from slipyard.cli.progress.watch import watch_action

app = typer.Typer()


@app.command()
def promote(
    source: Annotated[str, typer.Argument(help="The app that has the image, such as shop-staging.")],
    *,
    to: Annotated[str, typer.Option("--to", help="The app that gets it.")],
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="Number or id at the source; default: what is live there.")
    ] = None,
    title: Annotated[str, typer.Option("--title", "-m", help="What this deployment is about.")] = "",
    force: ForceReason = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Deploy the very image that is live in one app to another, with that one's configuration. Nothing is built.

    What was not live in the source is refused, unless --force says why.
    """
    client, path = connect(), f"/apps/{segment(source)}"
    body: dict[str, Any] = {"to": to, "title": title, **forced(force)}
    if deployment is not None:
        body["deployment"] = find_id(client, f"{path}/deployments", "deployments", deployment)
    action = client.post(f"{path}/promote", body)
    watch_action(client, to, action, follow=not detach, as_json=as_json)
