"""The last words of an instance, kept on disk before its container goes. A help to whoever reads, never a reason to fail."""

import asyncio
from collections import deque
from contextlib import aclosing

import structlog

from slipyard.clients.container_engine import LogLine
from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.store.kept_output import KeptOutput
from slipyard.store.tables import Instance

MOST_LINES = 5000
_SECONDS = 20.0  # a container that wrote without end must not stay for that
_log = structlog.get_logger()


async def keep_output(context: Context, row: Instance, grace_seconds: float) -> None:
    """Stops its container first, so that what it says while it ends is among it."""
    if row.container_id is None:
        return
    try:
        await context.engine.stop(row.container_id, grace_seconds)
        async with asyncio.timeout(_SECONDS):
            lines = await _last_lines(context, row.container_id)
        await asyncio.to_thread(KeptOutput(context.layout.kept_output).write, row.app_id, row.id, lines)
    except (SlipyardError, TimeoutError, OSError) as error:
        _log.warning("output_not_kept", instance_id=row.id, error=str(error) or type(error).__name__)


async def _last_lines(context: Context, container_id: str) -> deque[LogLine]:
    found: deque[LogLine] = deque(maxlen=MOST_LINES)
    async with aclosing(context.engine.logs(container_id, tail=MOST_LINES)) as lines:  # type: ignore[type-var]
        async for line in lines:
            found.append(line)
    return found
