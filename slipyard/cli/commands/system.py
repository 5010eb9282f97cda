"""`slipyard system disk|cleanup`."""

from typing import Annotated, Any

import typer

from slipyard.cli.client import connect
from slipyard.cli.options import Json
from slipyard.cli.output import Cell, print_fields, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Show what fills the disk, and make room there.")
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would go and what would stay; remove nothing.")]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


@app.command()
def disk(*, as_json: Json = False) -> None:
    """Show how full the disk is, and with what of Slipyard's."""
    found = connect().get("/system/disk")
    if as_json:
        print_json(found)
        return
    parts = sorted(found["parts"].items(), key=lambda part: -part[1])
    print_table(("PART", "SIZE"), [(name, size(count)) for name, count in parts])
    print(_of_share(found))


@app.command()
def cleanup(*, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove what nothing needs any more. Slipyard does so by itself every ten minutes; ways back stay."""
    found = connect().post("/system/cleanup", dry_run=dry_run or None)
    if as_json:
        print_json(found)
        return
    items = [*found["removed"], *(found["kept"] if dry_run else ())]
    print_table(("GOES", "WHAT", "NAME", "APP", "SIZE", "WHY"), [_row(item) for item in items])
    verb = "would be freed" if dry_run else "were freed"
    print_fields([("", trouble) for trouble in found["troubles"]])
    print(f"{size(found['freed_bytes'])} {verb}. {_of_share(found['disk']) if found['disk'] else ''}".strip())


def size(count: int | None) -> str:
    """1536 -> '1.5 KiB'."""
    if count is None:
        return "-"
    amount, unit = float(count), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def _row(item: dict[str, Any]) -> tuple[Cell, ...]:
    goes = "yes" if item["removable"] else "stays"
    what = item["kind"] if item["count"] == 1 else f"{item['count']} {item['kind']}"
    return goes, what, item["name"], item["app"], size(item["bytes"]), item["reason"]


def _of_share(disk: dict[str, Any]) -> str:
    return (
        f"Slipyard holds {size(disk['own'])}; its share of the disk is {size(disk['limit'])}, and"
        f" {size(disk['total'] - disk['used'])} of {size(disk['total'])} are free."
    )
