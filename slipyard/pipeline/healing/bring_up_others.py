"""What was planned in the place of another, or where one was missing, is started, probed, and takes over once it is ready.

Rows say how far each is, so that any later pass, or another leader, goes on from there.
"""

import asyncio
from datetime import timedelta

import structlog
from sqlmodel import Session, col, select

from slipyard.domain.errors import RolloutFailed, SlipyardError, UserError
from slipyard.domain.healing import backoff_seconds
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.coming import COMING, COMMANDS
from slipyard.pipeline.healing.heal_watch import HealWatch
from slipyard.pipeline.healing.spec_of_instance import spec_of_instance
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.take_over import take_over
from slipyard.store.events import record
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import App, Deployment, Instance
from slipyard.store.transition import transition

_PATIENCE_SECONDS = 0.5  # how long a pass waits for those that come up; they go on beside the next
_log = structlog.get_logger()


async def bring_up_others(context: Context, watch: HealWatch) -> None:
    """Each in a task of its own: one that takes long to get ready keeps nobody else from being healed."""
    for instance_id in await context.database.reading(_coming):
        if instance_id not in watch.coming:
            watch.coming[instance_id] = asyncio.ensure_future(_bring_up(context, instance_id))
    if watch.coming:
        await asyncio.wait(watch.coming.values(), timeout=_PATIENCE_SECONDS)
    watch.coming = {key: task for key, task in watch.coming.items() if not task.done()}


async def _bring_up(context: Context, instance_id: str) -> None:
    """What goes wrong by the app's fault ends the attempt; whatever else is tried again with a later pass."""
    try:
        await _make_ready(context, instance_id)
        await take_over(context, instance_id)
    except UserError as error:
        await _fail(context, instance_id, error)
    except SlipyardError as error:
        _log.warning("replacement_waits", instance_id=instance_id, error=error.message)
    except Exception:  # noqa: BLE001 - nobody awaits this task for its result
        _log.exception("replacement_failed", instance_id=instance_id)


async def _fail(context: Context, instance_id: str, error: UserError) -> None:
    await context.database.writing(lambda session: _give_up(session, context, instance_id, error))


async def _make_ready(context: Context, instance_id: str) -> None:
    row = await context.database.reading(lambda session: session.get_one(Instance, instance_id))
    if row.status is InstanceStatus.READY:
        return
    spec = await spec_of_instance(context, instance_id)
    await ensure_app_network(context, row.app_id)
    container_id = await context.driver.start(spec)
    await context.database.writing(lambda session: _started(session, context, instance_id, container_id))
    await context.driver.wait_ready(spec, container_id)
    await context.database.writing(
        lambda session: _move(session, context, instance_id, InstanceStatus.READY, "answered its probe")
    )


def _started(session: Session, context: Context, instance_id: str, container_id: str) -> None:
    row = _move(session, context, instance_id, InstanceStatus.STARTED, "was started")
    row.container_id = container_id
    session.add(row)


def _move(session: Session, context: Context, instance_id: str, to: InstanceStatus, what: str) -> Instance:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is not to:
        transition(session, row, to, now=context.clock.now(), message=f"{row.id[-8:]} {what}.")
    return row


def _give_up(session: Session, context: Context, instance_id: str, error: UserError) -> None:
    new, now = session.get_one(Instance, instance_id, with_for_update=True), context.clock.now()
    if new.status not in COMING:
        return
    retire(session, context, new, "it did not get ready")
    old = session.get(Instance, new.replaces) if new.replaces else None
    lines = list(error.log_tail) if isinstance(error, RolloutFailed) else []
    if old is not None and old.status is InstanceStatus.SERVING:
        old.failures, old.failed_at = new.failures, now
        old.retry_at = now + timedelta(seconds=backoff_seconds(new.failures + 1))
        session.add(old)
    then = f" It is tried again at {old.retry_at:%H:%M:%SZ}." if old is not None and old.retry_at else ""
    message = f"{new.id[-8:]} did not get ready: {error.message}{then}"
    record(session, new.app_id, "instance.replacement_failed", message, now=now, instance_id=new.id, lines=lines)


def _coming(session: Session) -> list[str]:
    """Of what is active, where no deployment is at work: those are brought up by its worker."""
    at_work = select(Deployment.app_id).where(col(Deployment.status).in_(AT_WORK))
    query = (
        select(Instance.id)
        .join(Deployment, col(Deployment.id) == col(Instance.deployment_id))
        .join(App, col(App.id) == col(Instance.app_id))
        .where(col(Instance.status).in_(COMING), Deployment.status == DeploymentStatus.ACTIVE)
        .where(col(Instance.service).not_in(COMMANDS), col(Instance.app_id).not_in(at_work))
        .where(col(App.stopped).is_(False), col(App.asleep_since).is_(None), col(App.deleting_at).is_(None))
    )
    return list(session.exec(query).all())
