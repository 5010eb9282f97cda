"""Deliveries that were written down by a process that died before it decided them."""

from datetime import timedelta
from functools import partial

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
    newest, after, decided = context.clock.now() - older_than, "", 0
    while rows := await context.database.reading(partial(undecided_deliveries, after=after)):
        after = rows[-1].id
        for row in rows:
            if row.received_at <= newest:
                decided += await _was_decided(context, row.id)
    return decided


async def _was_decided(context: Context, delivery_id: str) -> bool:
    try:
        await decide_delivery(context, delivery_id)
    except Exception:  # noqa: BLE001 - the others are waiting
        _log.exception("delivery_undecided", delivery_id=delivery_id)
        return False
    return True
