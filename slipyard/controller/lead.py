"""The controller: one leader runs the loops. Whoever does not lead waits for the lease."""

import asyncio
import signal
import sys

import structlog

from slipyard.controller.lease import LeaderLease
from slipyard.controller.loops import LOOPS, Loop
from slipyard.controller.news import News
from slipyard.domain.settings import Settings, read_settings
from slipyard.pipeline.assemble import assemble
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.hear_engine import hear_engine
from slipyard.pipeline.scale.waker import serve_waker
from slipyard.store.installation import load_installation

_log = structlog.get_logger()


def main() -> None:
    """Runs until SIGTERM. The settings come from the environment."""
    asyncio.run(_until_terminated())
    sys.exit(0)


async def _until_terminated() -> None:
    leading = asyncio.ensure_future(lead(read_settings()))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leading.cancel)
    await asyncio.wait({leading})
    if not leading.cancelled():
        leading.result()


async def lead(settings: Settings) -> None:
    """Until it is cancelled."""
    await lead_for_ever(await assemble(load_installation(settings)))


async def lead_for_ever(context: Context) -> None:
    lease = LeaderLease(context)
    try:
        while True:
            await lease.acquire()
            _log.info("controller_leads")
            await _lead(context, lease)
            _log.warning("controller_lost_its_lease")
    finally:
        await lease.give_up()


async def _lead(context: Context, lease: LeaderLease) -> None:
    """Until the lease is lost: then no pass is under way any more."""
    news = News(context)
    loops = [asyncio.ensure_future(run_loop(context, loop, news)) for loop in LOOPS]
    loops += [asyncio.ensure_future(news.keep_looking()), asyncio.ensure_future(hear_engine(context))]
    loops += [asyncio.ensure_future(serve_waker(context))]
    try:
        await lease.keep()
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)
        news.close()


async def run_loop(context: Context, loop: Loop, news: News) -> None:
    """A pass that fails is logged, and the next one comes all the same: one bad row must not stop the rest."""
    one_pass = loop.start(context)
    while True:
        await news.until_wanted(loop.name)
        try:
            await one_pass()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it is logged and the loop lives
            _log.exception("pass_failed", loop=loop.name)
        await _rest(context, loop)


async def _rest(context: Context, loop: Loop) -> None:
    if loop.heeds_engine:
        await context.stirred.rest(context.clock, loop.seconds)
    else:
        await context.clock.sleep(loop.seconds)
