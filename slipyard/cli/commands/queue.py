"""`slipyard queue`."""

from typing import Any

import typer

from slipyard.cli.client import connect
from slipyard.cli.options import Json
from slipyard.cli.output import Cell, ago, print_json, print_table

app = typer.Typer()


@app.command()
def queue(*, as_json: Json = False) -> None:
    """Show what runs and what waits, and for what."""
    found = connect().get("/queue")
    if as_json:
        print_json(found)
    elif found["running"] or found["waiting"]:
        rows = [*found["running"], *found["waiting"]]
        print_table(("APP", "WHAT", "STATUS", "PLACE", "SINCE", "WHY"), map(_row, rows))
    else:
        print("Nothing runs and nothing waits.")


def _row(item: dict[str, Any]) -> tuple[Cell, ...]:
    what = f"{item['kind']} {item['number']}" if item["number"] else item["kind"]
    place = str(item["position"]) if item["position"] else "-"
    return item["app"], what, item["status"], place, ago(item["created_at"]), item["reason"]
