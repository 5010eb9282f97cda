"""New instances of a deployment: planned, started, and asked until they are ready. They get no requests yet."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from sqlmodel import Session

from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.instances import PlannedInstance, mark_ready, plan_instances, start_instances
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.one_shots import run_one_shots
from slipyard.pipeline.rollout.start_order import waves_of
from slipyard.pipeline.together import together
from slipyard.store.tables import Deployment
from slipyard.store.transition import transition


async def bring_up(attempt: Attempt, rollout: Rollout, wanted: Mapping[str, int]) -> None:
    """Until so many of each service are ready, those first on which others depend. Repeatable: what an earlier attempt made
    is found."""
    planned: Sequence[PlannedInstance] | None = None
    started: list[PlannedInstance] = []
    for wave in waves_of(rollout.config.services):
        await run_one_shots(attempt, rollout, wave.one_shots)
        with attempt.stopwatch.span("start"):
            planned = await _planned(attempt, rollout, wanted) if planned is None else planned
            mine = [each for each in planned if each.spec.service in wave.services]
            started += await start_instances(attempt.context, attempt.claim, mine)
        if awaited := [each for each in started if each.spec.service in wave.awaited]:
            await _verified(attempt, awaited)
            started = [each for each in started if each not in awaited]
    await _verified(attempt, started)


async def _planned(attempt: Attempt, rollout: Rollout, wanted: Mapping[str, int]) -> Sequence[PlannedInstance]:
    planned = await plan_instances(attempt.context, attempt.claim, rollout, wanted)
    await attempt.trace.say(f"Starting {len(planned)} instance(s) of release {rollout.release_number}.")
    return planned


async def _verified(attempt: Attempt, started: Sequence[PlannedInstance]) -> None:
    with attempt.stopwatch.span("probe"):
        async with _writing_beside(attempt, partial(begin_to_verify, attempt=attempt)):
            await _wait_for_answers(attempt, started)
        await mark_ready(attempt.context, attempt.claim, started)


async def wait_ready(attempt: Attempt, started: Sequence[PlannedInstance]) -> None:
    await _wait_for_answers(attempt, started)
    await mark_ready(attempt.context, attempt.claim, started)


async def _wait_for_answers(attempt: Attempt, started: Sequence[PlannedInstance]) -> None:
    async def one(instance: PlannedInstance) -> None:
        await attempt.context.driver.wait_ready(instance.spec, instance.container_id)
        await attempt.trace.say(f"Instance {instance.spec.instance_id[-8:]} ({instance.spec.service}) is ready.")

    await together(one(instance) for instance in started)


@asynccontextmanager
async def _writing_beside(attempt: Attempt, change: Callable[[Session], None]) -> AsyncIterator[None]:
    """Written while something is waited for, and over when that is, also where it fails: what follows meets no late write."""
    writing = asyncio.ensure_future(attempt.context.database.writing(change))
    try:
        yield
    finally:
        await asyncio.wait({writing})
    writing.result()


def begin_to_verify(session: Session, attempt: Attempt) -> None:
    row = session.get_one(Deployment, attempt.claim.id, populate_existing=True)
    if row.status is DeploymentStatus.DEPLOYING:
        message = f"The instances of deployment {row.number} run and are being probed."
        now = attempt.context.clock.now()
        transition(session, row, DeploymentStatus.VERIFYING, now=now, message=message, claim=attempt.claim.token)
