"""`slipyard deployments`: the history, one of them, and ending one."""

from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.numbered import find_id
from slipyard.cli.options import AppOption, Json, Limit
from slipyard.cli.output import Cell, ago, print_fields, print_json, print_table, styled_status
from slipyard.cli.progress.watch import watch_deployment
from slipyard.cli.spans import took, what_it_was

app = typer.Typer(invoke_without_command=True, help="Show the history of an app, newest first.")
_WAITING = {"pending", "building"}
DeploymentArgument = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Number or id.")]


@app.callback()
def history(context: typer.Context, *, app_name: AppOption = None, limit: Limit = 20, as_json: Json = False) -> None:
    """Show the history of an app, newest first."""
    if context.invoked_subcommand is not None:
        return
    page = connect().get(_path(app_name), limit=limit)
    if as_json:
        print_json(page)
    else:
        print_table(("NO", "STATUS", "TRIGGER", "BY", "SOURCE", "TOOK", "WHEN", "NOTE"), map(_row, page["deployments"]))


@app.command()
def show(deployment: DeploymentArgument, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Show one deployment: where its seconds went, and why it failed."""
    client, path = connect(), _path(app_name)
    row = client.get(f"{path}/{segment(find_id(client, path, 'deployments', deployment))}")
    if as_json:
        print_json(row)
    else:
        print_fields(_fields(row))


@app.command()
def watch(deployment: DeploymentArgument, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Follow one to its end; exit code 0 where it became live."""
    client, name = connect(), app_or_fail(app_name)
    watch_deployment(client, name, find_id(client, _path(name), "deployments", deployment), as_json=as_json)


@app.command()
def cancel(deployment: DeploymentArgument, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Cancel one that is under way; what serves goes on serving."""
    client, path = connect(), _path(app_name)
    action = client.post(f"{path}/{segment(find_id(client, path, 'deployments', deployment))}/cancel")
    if as_json:
        print_json(action)
    else:
        print(action["message"])


@app.command()
def approve(deployment: DeploymentArgument, *, app_name: AppOption = None, as_json: Json = False) -> None:
    """Let one of a protected app go that somebody else asked for."""
    _decide(app_name, deployment, "approve", None, as_json=as_json)


@app.command()
def reject(
    deployment: DeploymentArgument,
    *,
    app_name: AppOption = None,
    reason: Annotated[str, typer.Option("--message", "-m", help="Why.")] = "",
    as_json: Json = False,
) -> None:
    """Cancel one that waits for approval."""
    _decide(app_name, deployment, "reject", {"reason": reason}, as_json=as_json)


def _decide(app_name: str | None, deployment: str, verb: str, body: dict[str, Any] | None, *, as_json: bool) -> None:
    client, path = connect(), _path(app_name)
    action = client.post(f"{path}/{segment(find_id(client, path, 'deployments', deployment))}/{verb}", body)
    if as_json:
        print_json(action)
    else:
        print(action["message"])


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/deployments"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    note = row["error"] or (row.get("waits_for") if row["status"] in _WAITING else None) or row["title"]
    status = styled_status(row["status"])
    return (
        str(row["number"]),
        status,
        row["trigger"],
        row["actor"],
        what_it_was(row),
        took(row),
        ago(row["created_at"]),
        note,
    )


def _fields(row: dict[str, Any]) -> list[tuple[str, Cell]]:
    fields: list[tuple[str, Cell]] = [("Deployment", str(row["number"])), ("Id", row["id"])]
    fields += [("Status", styled_status(row["status"])), ("Trigger", f"{row['trigger']} by {row['actor']}")]
    fields += [("Title", row["title"]), ("Commit", row["commit"]), ("Image", row["image"]), ("Took", took(row))]
    fields += [
        ("Waits for", row.get("waits_for")),
        ("Approved by", row.get("approved_by")),
        ("Forced", row.get("force_reason")),
    ]
    fields += [
        ("Way here", " -> ".join(f"{at['app']} {at['kind']} {at['number']}" for at in row.get("chain", ())) or None)
    ]
    fields += [("Error", row["error"])]
    fields += [(span["name"], f"{span['milliseconds'] / 1000:.2f} s") for span in row["spans"]]
    return fields + [("", line) for line in row["log_tail"]]
