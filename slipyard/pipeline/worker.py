"""A worker process: builds, deployments or both, as wake-ups come. The settings come from the environment."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from slipyard.domain.settings import read_settings
from slipyard.pipeline.assemble import assemble, redis_url
from slipyard.pipeline.builds.run_build import run_build
from slipyard.pipeline.context import Context
from slipyard.pipeline.desk import Desk
from slipyard.pipeline.hand_over import HandOver
from slipyard.pipeline.listen import QueueListener
from slipyard.pipeline.queue import WorkKind
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.store.installation import Installation, load_installation


def main(*kinds: WorkKind) -> None:
    """Runs until SIGTERM, then gives back what it holds."""
    asyncio.run(_work(load_installation(read_settings()), kinds))
    sys.exit(0)


async def _work(installation: Installation, kinds: Sequence[WorkKind]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    assembled = await assemble(installation)
    queue = HandOver(assembled.queue)
    desks = queue.desks = {kind: _desk(replace(assembled, queue=queue), kind) for kind in kinds}

    def hand_over(kind: WorkKind, row_id: str) -> None:
        loop.call_soon_threadsafe(desks[kind].take, row_id)

    listener = QueueListener(redis_url(installation), installation.id, kinds, hand_over)
    listener.start()
    await stopped.wait()
    listener.close()
    await asyncio.gather(*(desk.clear() for desk in desks.values()))


def _desk(context: Context, kind: WorkKind) -> Desk:
    """Builds are capped so that they never starve apps; a rollout mostly waits, so many go side by side."""
    if kind == "build":
        return Desk(partial(run_build, context), context.settings.builds_at_once)
    return Desk(partial(run_deployment, context), context.settings.rollouts_at_once)
