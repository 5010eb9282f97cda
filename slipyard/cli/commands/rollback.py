"""`slipyard rollback [ID]`."""

from typing import Annotated

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.numbered import find_id
from slipyard.cli.options import AppOption, Detach, Json
from slipyard.cli.progress.watch import watch_action

app = typer.Typer()


@app.command()
def rollback(
    deployment: Annotated[
        str | None, typer.Argument(metavar="DEPLOYMENT", help="Number or id; default the one before.")
    ] = None,
    *,
    app_name: AppOption = None,
    force: Annotated[bool, typer.Option("--force", help="Also where the app is locked.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would change, and which way it would take.")
    ] = False,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Make an earlier release live again: image, environment and configuration together, without a build."""
    name = app_or_fail(app_name)
    client, path = connect(), f"/apps/{segment(name)}"
    target = find_id(client, f"{path}/deployments", "deployments", deployment) if deployment else None
    body = ({"deployment_id": target} if target else {}) | ({"force": True} if force else {})
    action = client.post(f"{path}/rollback", body or None, dry_run=dry_run or None)
    if dry_run and not as_json:
        print(action["message"], *action["changes"], sep="\n")
    else:
        watch_action(client, name, action, follow=not (dry_run or detach), as_json=as_json)
