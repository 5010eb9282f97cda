"""The API and the controller in one process: apart, each would keep 35 MiB of its own of what both use."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import uvloop

from slipyard.domain.settings import Settings, read_settings

Work = Callable[[Settings], Awaitable[object]]
_THREADS = 12  # what two processes would have: reads of the one never wait for passes of the other


def run_beside(serve: Work, lead: Work) -> None:
    """Until SIGTERM, which `serve` obeys; then `lead` is ended. Raises what either of them raised: both start anew."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_both(serve, lead, read_settings()))


async def _both(serve: Work, lead: Work, settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="asyncio"))
    serving, leading = (asyncio.ensure_future(work(settings)) for work in (serve, lead))
    # Uvicorn has handlers of its own while it serves, and raises the signal again for these when it is done.
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(serving.cancel))
    await asyncio.wait({serving, leading}, return_when=asyncio.FIRST_COMPLETED)
    for work in (serving, leading):
        work.cancel()
    for work in (serving, leading):
        await _ended(work)


async def _ended(work: asyncio.Future[object]) -> None:
    await asyncio.wait({work})
    if not work.cancelled():
        work.result()
