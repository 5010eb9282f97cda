"""`slipyard deliveries`: what webhooks delivered, what was decided about it and why; and doing it again."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from slipyard.cli.app_name import app_or_fail
from slipyard.cli.client import connect, segment
from slipyard.cli.options import AppOption, Json, Limit
from slipyard.cli.output import Cell, ago, print_fields, print_json, print_table, styled_status

app = typer.Typer(invoke_without_command=True, help="Show what webhooks delivered, newest first; replay it.")
DeliveryArgument = Annotated[str, typer.Argument(metavar="DELIVERY", help="Id, as the list shows it.")]


class Verdict(StrEnum):
    DEPLOYED = "deployed"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    OPEN = "open"


@app.callback()
def ledger(
    context: typer.Context,
    *,
    app_name: AppOption = None,
    verdict: Annotated[Verdict | None, typer.Option("--verdict", help="Only these.")] = None,
    event: Annotated[str | None, typer.Option("--event", help="Only these, as the provider calls them.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Received then or later: 2026-01-31T12:00:00Z.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """Show what webhooks delivered, newest first, each with its verdict and the reason."""
    if context.invoked_subcommand is not None:
        return
    found = connect().get(_path(app_name), verdict=verdict, event=event, since=since, limit=limit)
    if as_json:
        print_json(found)
    elif not found["deliveries"]:
        print("No deliveries. `slipyard webhooks list` shows whether a webhook waits for its first.")
    else:
        print_table(("ID", "EVENT", "VERDICT", "WHEN", "REASON"), map(_row, found["deliveries"]))


@app.command()
def show(
    delivery: DeliveryArgument,
    *,
    app_name: AppOption = None,
    body: Annotated[bool, typer.Option("--body", help="Print the body, and nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Show one delivery: headers, the decision for each app, and what that caused."""
    found = connect().get(f"{_path(app_name)}/{segment(delivery)}")
    if as_json:
        print_json(found)
    elif body:
        print(found["body"] if found["body"] is not None else "", end="")
        _say_what_was_kept(found)
    else:
        print_fields(_fields(found))


@app.command()
def replay(
    delivery: DeliveryArgument,
    *,
    app_name: AppOption = None,
    force: Annotated[bool, typer.Option("--force", help="Deploy what is live already once more.")] = False,
    as_json: Json = False,
) -> None:
    """Decide a delivery anew, by the rules of today; the new attempt says which one it repeats."""
    query = {"force": "true"} if force else {}
    done = connect().post(f"{_path(app_name)}/{segment(delivery)}/replay", None, **query)
    if as_json:
        print_json(done)
        return
    for each in done["decisions"]:
        print(f"{each['app']}: {each['status']}. {each['message']}")


def _path(app_name: str | None) -> str:
    return f"/apps/{segment(app_or_fail(app_name))}/deliveries"


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    return row["id"], row["event"], _verdict(row), ago(row["received_at"]), row["reason"]


def _verdict(row: dict[str, Any]) -> Cell:
    return styled_status(row["verdict"] or "open")


def _fields(found: dict[str, Any]) -> list[tuple[str, Cell]]:
    took = f"{found['milliseconds']} ms" if found["milliseconds"] is not None else None
    fields: list[tuple[str, Cell]] = [
        ("Delivery", found["id"]),
        ("Event", f"{found['event']} from {found['provider']}"),
    ]
    fields += [("Provider's id", found["provider_id"]), ("Repeats", found["replay_of"])]
    fields += [("Repeated by", ", ".join(found["replays"])), ("Received", ago(found["received_at"])), ("Took", took)]
    fields += [("Body", f"{found['body_bytes']} bytes, {found['body_kept']}; --body prints it")]
    fields += [(each["app"], f"{each['verdict']}. {each['reason']}") for each in found["decisions"]]
    fields += [("Push", f"{each['commit'][:12]} on {each['ref']}: {each['decision']}") for each in found["pushes"]]
    fields += [("Build", f"{each['number']} {each['status']}") for each in found["builds"]]
    fields += [("Deployment", f"{each['number']} {each['status']}") for each in found["deployments"]]
    return fields + [(name, value) for name, value in found["headers"].items()]


def _say_what_was_kept(found: dict[str, Any]) -> None:
    if found["body_kept"] != "whole":
        words = {
            "removed": "Retention took this body.",
            "essence": "A large body: what was read in it is all that is kept.",
        }
        print(words[found["body_kept"]], file=sys.stderr)
