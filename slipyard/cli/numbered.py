"""People say `12`, the API says `dep_01j...`: a number is looked up in the history."""

from typing import Any

from slipyard.cli.client import Client
from slipyard.cli.failure import Refused

_PAGE = 100


def find_id(client: Client, path: str, plural: str, given: str) -> str:
    """`given` itself unless it is a number. `Refused` where no row has it."""
    if not given.isdecimal():
        return given
    offset = 0
    while True:
        page: dict[str, Any] = client.get(path, limit=_PAGE, offset=offset)
        for row in page[plural]:
            if row["number"] == int(given):
                return str(row["id"])
        if not page["has_more"]:
            raise Refused(f"There is no number {given} in the history; `slipyard {plural}` shows it.", code="not_found")
        offset += _PAGE
