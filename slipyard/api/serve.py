"""The API as a process: `slipyard.api.serve:main`. One worker, until SIGTERM."""

import asyncio
import gc

import structlog
import uvicorn
import uvloop
from structlog.typing import Processor

from slipyard.api.application import create_application
from slipyard.api.quiet_server import QuietServer
from slipyard.domain.settings import Settings, read_settings
from slipyard.pipeline.assemble import assemble
from slipyard.store.installation import load_installation
from slipyard.webhooks.left_open import keep_deciding

# structlog's own default prints the local variables of every frame of a traceback, and among them are secrets.
_PLAIN_LOG: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
)
_GRACE_SECONDS = 10  # streams never end by themselves
_KEEP_ALIVE_SECONDS = 75


def main() -> None:
    """Settings come from the environment."""
    if not structlog.is_configured():
        structlog.configure(processors=_PLAIN_LOG)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(read_settings()))


async def serve(settings: Settings) -> None:
    context = await assemble(load_installation(settings))
    config = uvicorn.Config(
        create_application(context),
        host=settings.bind,
        port=settings.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _settle_memory()
    deciding = asyncio.create_task(keep_deciding(context))
    try:
        await QuietServer(config).serve()
    finally:
        deciding.cancel()


def _settle_memory() -> None:
    """What is there now stays: a whole pass of the collector over 400,000 objects would hold every answer up, 0.2 s long."""
    gc.collect()
    gc.freeze()
