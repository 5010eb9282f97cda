"""What commands print: JSON for programs, tables and sentences for people, errors on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Cell = str | Text | None

_STATUS_STYLES = {
    "running": "green", "active": "green", "succeeded": "green", "ok": "green",
    "failed": "red", "rolled_back": "red", "fail": "red",
    "degraded": "yellow", "cancelled": "yellow", "warn": "yellow", "stopped": "yellow", "sleeping": "yellow",
}  # fmt: skip
_AT_WORK_STYLE = "cyan"
_FINISHED = {"superseded", "removed"}
_STEPS = ((86400, "d"), (3600, "h"), (60, "m"))


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_error(message: str, details: Sequence[str] = (), code: str = "failed", *, as_json: bool = False) -> None:
    if as_json:
        print(json.dumps({"error": {"code": code, "message": message, "details": list(details)}}), file=sys.stderr)
        return
    print(f"slipyard: {message}", file=sys.stderr)
    for line in details:
        print(f"  {line}", file=sys.stderr)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """On a terminal a table that folds to its width; in a pipe a line a row with tabs, for `cut` and `awk`."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print("\t".join(str(cell or "-").replace("\t", " ").replace("\n", " ") for cell in row))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell or "-") for cell in row))
    Console(highlight=False).print(table)


def print_fields(fields: Iterable[tuple[str, Cell]]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, value in fields:
        if value is not None and str(value):
            grid.add_row(Text(name, style="bold"), value if isinstance(value, Text) else Text(str(value)))
    Console(highlight=False, soft_wrap=True).print(grid)


def styled_status(status: str | None) -> Text:
    word = status or "-"
    return Text(word, style="" if word in _FINISHED or word == "-" else _STATUS_STYLES.get(word, _AT_WORK_STYLE))


def ago(moment: str | None, now: datetime | None = None) -> str:
    """'2026-01-02T03:04:05Z' -> '3h ago'; '-' for None."""
    if not moment:
        return "-"
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit} ago"
    return f"{max(0, int(seconds))}s ago"
