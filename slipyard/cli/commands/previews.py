"""`slipyard previews list|open|approve|remove`."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppOption, Detach, Json, Limit
from slipyard.cli.output import Cell, ago, print_json, print_table, styled_status
from slipyard.cli.progress.watch import watch_deployment

app = typer.Typer(no_args_is_help=True, help="Show pull and merge requests, and branches, as apps of their own.")
Number = Annotated[int, typer.Argument(min=1, help="Number of the request, as the list shows it.")]


@app.command("list")
def list_previews(
    *,
    app_name: AppOption = None,
    closed: Annotated[bool, typer.Option("--closed", help="Those too that are gone.")] = False,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List previews, newest first, and why one waits."""
    found = connect().get(_path(app_name), limit=limit, include_closed="true" if closed else None)
    if as_json:
        print_json(found)
        return
    print_table(("NUMBER", "STATUS", "COMMIT", "BRANCH", "URL", "AGE", "WHY"), [_row(row) for row in found["previews"]])


@app.command("open")
def open_preview(
    branch: Annotated[str, typer.Argument(help="A branch that is pushed.")],
    *,
    app_name: AppOption = None,
    commit: Annotated[str | None, typer.Option("--commit", help="Full commit id; default: the head.")] = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Show a branch without a request; again for its newest commit."""
    client = connect()
    body = {"branch": branch} | ({"commit": commit} if commit else {})
    made = client.post(_path(app_name), body)
    shown = made["slug"] and not detach
    newest = client.get(f"/apps/{segment(made['slug'])}/deployments", limit=1)["deployments"] if shown else []
    if newest:
        watch_deployment(client, made["slug"], newest[0]["id"], as_json=as_json)
    elif as_json:
        print_json(made)
    else:
        print(f"Preview {made['number']} of {branch}: {made['status']}. {made['reason']}".rstrip())


@app.command()
def approve(
    number: Number,
    *,
    commit: Annotated[str, typer.Option("--commit", help="The full id of the commit that you have looked at.")],
    app_name: AppOption = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Let one commit of a fork in. Its next commit waits again."""
    client = connect()
    action = client.post(f"{_path(app_name)}/{number}/approve", {"commit": commit})
    if action["deployment_id"] and not detach:
        app = client.get(f"/apps/{action['app_id']}")["slug"]
        watch_deployment(client, app, action["deployment_id"], as_json=as_json)
    elif as_json:
        print_json(action)
    else:
        print(action["message"])


@app.command()
def remove(number: Number, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Remove a preview; a new commit of its request brings it back."""
    answer = connect().delete(f"{_path(app_name)}/{number}")
    if as_json:
        print_json(answer)
    else:
        print(answer["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/previews"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    fork = " (fork)" if row["fork"] else ""
    status = styled_status(row["status"])
    where = row["preview_url"], ago(row["last_commit_at"]), row["reason"]
    return str(row["number"]), status, row["commit"][:12], f"{row['branch']}{fork}", *where
