"""A release that serves is watched for a while against the one before. Where it goes bad, the one before comes back.

The bad one stays `active` until the way back is: so one always is, and a way back that fails leaves what there was.
"""

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.observing.last_lines import last_lines
from slipyard.pipeline.rollout.judge_canary import CanaryWatch, find_fault
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.events import record
from slipyard.store.tables import App, Deployment, Instance

_US = "slipyard"


async def bake(context: Context, watch: CanaryWatch) -> None:
    """One pass over what is watched."""
    rows = await context.database.reading(_baking)
    watch.forget_others({row.id for row in rows})
    for row in rows:
        fault = await _fault(context, watch, row)
        if fault is not None:
            await _go_back(context, row, fault)
        elif row.bake_until is None or context.clock.now() >= row.bake_until:
            await _say_proven(context, row.id)


async def _fault(context: Context, watch: CanaryWatch, row: Deployment) -> str | None:
    rollout = await context.database.reading(lambda session: load_rollout(session, context, row.id))
    new = await context.database.reading(lambda session: _serving(session, row.id))
    old = await context.database.reading(lambda session: _all_of(session, row.previous_id))
    since = {row.id: row.created_at for row in (*new, *old)}
    return await find_fault(context, watch.trial_of(context, row), rollout, new, old, since)


async def _go_back(context: Context, row: Deployment, fault: str) -> None:
    rows = await context.database.reading(lambda session: _serving(session, row.id))
    tail = await last_lines(context, rows)
    deployment = await context.database.writing(
        lambda session: _ask_for_the_one_before(session, context, row.id, fault, tail)
    )
    if deployment is not None:
        await wake_deployment(context, deployment)


def _ask_for_the_one_before(
    session: Session, context: Context, deployment_id: str, fault: str, tail: list[str]
) -> Deployment | None:
    """None where it does not serve any more, or is on its way out already."""
    now = context.clock.now()
    row = session.get_one(Deployment, deployment_id, with_for_update=True)
    app = session.get_one(App, row.app_id, with_for_update=True)
    if row.status is not DeploymentStatus.ACTIVE or row.bake_until is None or app.stopped:
        return None
    before = session.get_one(Deployment, row.previous_id)
    seconds = (now - row.finished_at).total_seconds() if row.finished_at else 0.0
    row.evidence = f"Went bad {seconds:.0f} s after the switch: {fault}. Deployment {before.number} comes back."
    row.bake_until, row.log_tail = None, tail
    session.add(row)
    record(session, app.id, "deployment.went_bad", row.evidence, now=now, deployment_id=row.id)
    title = f"Back from deployment {row.number} to deployment {before.number}"
    asked = Asked("rollback", _US, title=title, commit=before.commit, release_id=before.release_id, rolls_back=row.id)
    return write_deployment(session, context, app, asked)


async def _say_proven(context: Context, deployment_id: str) -> None:
    await context.database.writing(lambda session: _proven(session, context, deployment_id))


def _proven(session: Session, context: Context, deployment_id: str) -> None:
    row = session.get_one(Deployment, deployment_id, with_for_update=True)
    if row.bake_until is None:
        return
    row.bake_until = None
    session.add(row)
    if row.status is DeploymentStatus.ACTIVE:
        message = f"Deployment {row.number} was watched after the switch, and is well."
        record(session, row.app_id, "deployment.proven", message, now=context.clock.now(), deployment_id=row.id)


def _baking(session: Session) -> list[Deployment]:
    query = select(Deployment).where(
        Deployment.status == DeploymentStatus.ACTIVE, col(Deployment.bake_until).is_not(None)
    )
    return list(session.exec(query).all())


def _serving(session: Session, deployment_id: str) -> list[Instance]:
    query = select(Instance).where(Instance.deployment_id == deployment_id, Instance.status == InstanceStatus.SERVING)
    return list(session.exec(query.order_by(col(Instance.id))).all())


def _all_of(session: Session, deployment_id: str | None) -> list[Instance]:
    """Also what is gone: its answers are still in the log."""
    return list(session.exec(select(Instance).where(Instance.deployment_id == deployment_id)).all())
