"""Listens to the engine, so that what dies or is changed by hand is put right at once and not with the next full pass."""

from contextlib import aclosing

import structlog

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context

_AGAIN_SECONDS = 1.0
_log = structlog.get_logger()


async def hear_engine(context: Context) -> None:
    """Until cancelled. While the engine is away nothing is heard, and the next pass looks at everything."""
    while True:
        try:
            await _listen(context)
        except SlipyardError as error:
            _log.info("engine_not_heard", error=error.message)
        finally:
            context.stirred.lost()
        await context.clock.sleep(_AGAIN_SECONDS)


async def _listen(context: Context) -> None:
    context.stirred.listening = True
    async with aclosing(context.driver.events()) as events:  # type: ignore[type-var]
        async for event in events:
            context.stirred.note(event)
