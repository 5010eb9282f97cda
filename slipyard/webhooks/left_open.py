"""Deliveries that were written down by a process that died before it decided them."""

from datetime import timedelta

import structlog

from slipyard.pipeline.context import Context
from slipyard.store.queries.hooks import undecided_deliveries
from slipyard.webhooks.decide import decide_delivery

_EVERY_SECONDS = 5.0
_UNDER_WAY = timedelta(seconds=5)  # younger ones are most likely being answered right now
_log = structlog.get_logger()


async def keep_deciding(context: Context) -> None:
    """Until cancelled. Runs beside the server that takes deliveries: when that one starts again, so does this."""
    while True:
        await decide_left_open(context)
        await context.clock.sleep(_EVERY_SECONDS)


async def decide_left_open(context: Context, older_than: timedelta = _UNDER_WAY) -> int:
    """How many were decided. One that fails is left for the next time and holds up no other."""
    newest = context.clock.now() - older_than
    decided = 0
    for row in await context.database.reading(undecided_deliveries):
        if row.received_at > newest:
            continue
        try:
            await decide_delivery(context, row.id)
            decided += 1
        except Exception:  # noqa: BLE001 - the others are waiting
            _log.exception("delivery_undecided", delivery_id=row.id)
    return decided
