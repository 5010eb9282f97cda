"""Commands that run once in a new image: before the deployment, `release` (migrations), and after all requests moved over.

Each is an instance of its own: written down first, found by its name by a later attempt, waited for and never run twice.
"""

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound, RolloutFailed
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.domain.release import AFTER_DEPLOY, BEFORE_DEPLOY, RELEASE_COMMAND, ServiceSpec
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.holds import REPEATS
from slipyard.pipeline.rollout.instances import addresses_in_use, instance_spec, new_instance
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.retire import retire
from slipyard.store import claims
from slipyard.store.tables import App, Deployment, Instance
from slipyard.store.transition import transition

_TAIL_LINES = 20
_SERVED = (DeploymentStatus.ACTIVE, DeploymentStatus.SUPERSEDED, DeploymentStatus.ROLLED_BACK)


@dataclass(frozen=True)
class _Run:
    """`exit_code` None: it has not ended, or nobody saw it end."""

    instance_id: str
    container_id: str | None
    exit_code: int | None


async def run_before(attempt: Attempt, rollout: Rollout) -> None:
    """`RolloutFailed` where one fails: nothing of the release has started yet, and the old one serves untouched."""
    for moment in (BEFORE_DEPLOY, RELEASE_COMMAND):
        if await _is_due(attempt, rollout, moment):
            await _run(attempt, rollout, moment)


async def run_after(attempt: Attempt, rollout: Rollout) -> None:
    """The release serves already: a failure is said, and changes nothing."""
    if not await _is_due(attempt, rollout, AFTER_DEPLOY):
        return
    try:
        await _run(attempt, rollout, AFTER_DEPLOY)
    except RolloutFailed as error:
        await attempt.trace.say(f"{error.message} The release is live all the same.")


async def _is_due(attempt: Attempt, rollout: Rollout, moment: str) -> bool:
    """A release that served before has had its `release`; to start again what was live is no deployment."""
    if moment not in rollout.config.commands:
        return False

    def due(session: Session) -> bool:
        if session.get_one(Deployment, attempt.claim.id).trigger in REPEATS:
            return False
        served = select(Deployment.id).where(
            Deployment.release_id == rollout.release_id, col(Deployment.status).in_(_SERVED)
        )
        return moment != RELEASE_COMMAND or session.exec(served).first() is None

    return await attempt.context.database.reading(due)


async def _run(attempt: Attempt, rollout: Rollout, moment: str) -> None:
    await run_to_its_end(attempt, rollout, _service(rollout, moment))


async def run_to_its_end(attempt: Attempt, rollout: Rollout, service: ServiceSpec) -> None:
    """Once in this deployment. `RolloutFailed` where it fails."""
    moment = service.name
    await ensure_app_network(attempt.context, rollout.app_id)
    run = await attempt.context.database.writing(lambda session: _written_down(session, attempt, rollout, service))
    lines: deque[str] = deque(maxlen=_TAIL_LINES)
    exit_code = run.exit_code
    if exit_code is None:
        with attempt.stopwatch.span(moment):
            exit_code = await _carried_out(attempt, rollout, service, run, lines)
    if exit_code != 0:
        raise RolloutFailed(f"The {moment} command exited with code {exit_code}.", log_tail=list(lines))


async def _carried_out(attempt: Attempt, rollout: Rollout, service: ServiceSpec, run: _Run, lines: deque[str]) -> int:
    context, moment = attempt.context, service.name
    row = await context.database.reading(lambda session: session.get_one(Instance, run.instance_id))
    seen = await context.driver.look(run.instance_id)
    if run.container_id is not None and seen is None:
        raise RolloutFailed(_removed(moment))
    await attempt.trace.say(f"{'Running' if seen is None else 'Waiting for'} the {moment} command.")
    container_id = await context.driver.run_once(instance_spec(rollout, service, row))
    await context.database.writing(lambda session: _started(session, attempt, run.instance_id, container_id))
    try:
        async with asyncio.timeout(await _seconds_left(attempt, rollout, run.instance_id)):
            await _follow(attempt, run.instance_id, lines)
            exit_code = await context.driver.wait_end(container_id)
    except TimeoutError as error:
        await _over(attempt, run.instance_id, None)
        text = f"The {moment} command did not end within {rollout.config.command_seconds:g} s and is stopped."
        raise RolloutFailed(text, log_tail=list(lines)) from error
    except NotFound as error:
        raise RolloutFailed(_removed(moment), log_tail=list(lines)) from error
    await _over(attempt, run.instance_id, exit_code)
    return exit_code


async def _seconds_left(attempt: Attempt, rollout: Rollout, instance_id: str) -> float:
    """Counted from its start, so that a later attempt gives it no more."""
    seen = await attempt.context.driver.look(instance_id)
    if seen is None or seen.started_at is None:
        return rollout.config.command_seconds
    return max(0.0, rollout.config.command_seconds - (attempt.context.clock.now() - seen.started_at).total_seconds())


async def _follow(attempt: Attempt, instance_id: str, lines: deque[str]) -> None:
    """Into the deployment's log as it comes, until the command has ended."""
    output = attempt.context.driver.logs(instance_id, follow=True)
    async with aclosing(output) as followed:  # type: ignore[type-var]
        async for line in followed:
            lines.append(line.message)
            await attempt.trace.say(f"  | {line.message}")


async def _over(attempt: Attempt, instance_id: str, exit_code: int | None) -> None:
    def write(session: Session) -> None:
        claims.require(session, attempt.claim)
        row = session.get_one(Instance, instance_id)
        row.exit_code = exit_code
        session.add(row)
        session.flush()
        retire(session, attempt.context, row, "its command has ended" if exit_code is not None else "its time is up")

    await attempt.context.database.writing(write)


def _written_down(session: Session, attempt: Attempt, rollout: Rollout, service: ServiceSpec) -> _Run:
    claims.require(session, attempt.claim)
    query = select(Instance).where(Instance.deployment_id == rollout.deployment_id, Instance.service == service.name)
    row = session.exec(query).first()
    if row is None:
        app = session.get_one(App, rollout.app_id, with_for_update=True)
        taken = addresses_in_use(session, app.id)
        row = new_instance(attempt.context, app, rollout, service, 0, taken)
        session.add_all([app, row])
        session.flush()
    return _Run(row.id, row.container_id, row.exit_code)


def _started(session: Session, attempt: Attempt, instance_id: str, container_id: str) -> None:
    claims.require(session, attempt.claim)
    row = session.get_one(Instance, instance_id)
    if row.status is InstanceStatus.PLANNED:
        message = f"The {row.service} command was started."
        transition(session, row, InstanceStatus.STARTED, now=attempt.context.clock.now(), message=message)
    row.container_id = container_id
    deployment = session.get_one(Deployment, attempt.claim.id)
    deployment.progress = f"Its {row.service} command runs."
    session.add_all([row, deployment])


def _service(rollout: Rollout, moment: str) -> ServiceSpec:
    return ServiceSpec(
        name=moment, command=rollout.config.commands[moment], resources=rollout.config.services[0].resources
    )


def _removed(moment: str) -> str:
    return (
        f"The container of the {moment} command was removed from outside before its end was seen. It is not run a second "
        "time: look whether it did its work, then deploy again."
    )
