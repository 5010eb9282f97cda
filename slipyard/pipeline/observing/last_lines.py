"""The end of what instances said: a help to whoever reads why one was given up, and never a reason to fail."""

from collections.abc import Iterable

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.store.tables import Instance

_LINES = 20


async def last_lines(context: Context, rows: Iterable[Instance]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        try:
            lines += [line.message async for line in context.driver.logs(row.id, tail=_LINES)]
        except SlipyardError as error:
            lines.append(f"(the output of {row.id[-8:]} could not be read: {error.message})")
    return lines[-_LINES:]
