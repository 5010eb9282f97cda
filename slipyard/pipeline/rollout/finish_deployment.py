"""How a deployment ends: active, with the one before superseded in the same transaction, or out without having served."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.errors import RolloutFailed, SlipyardError
from slipyard.domain.lifecycle import ASIDE, LIVE, DeploymentStatus, InstanceStatus, is_over
from slipyard.pipeline.attempt import Attempt, sentence_of
from slipyard.pipeline.context import Context
from slipyard.pipeline.hold_claim import raise_if_cancelled
from slipyard.pipeline.rollout.bake_seconds import bake_seconds
from slipyard.pipeline.rollout.fall_back import fall_back
from slipyard.pipeline.rollout.kept_running import keep, kept_running, say_what_stays
from slipyard.pipeline.rollout.retire import Change, make_way, retire
from slipyard.pipeline.rollout.standing import addresses_of
from slipyard.pipeline.rollout.switch_route import apply_route, confirm_route, write_intent
from slipyard.pipeline.schedules.of_release import take_schedules_of
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Deployment, Instance, RouteRow
from slipyard.store.transition import transition

_FREE: dict[str, Any] = {"claim_token": None, "claim_holder": None, "parked": None, "parked_until": None}


@dataclass(frozen=True)
class DeploymentEnding:
    status: DeploymentStatus
    sentence: str
    log_tail: Sequence[str] = ()


async def activate(attempt: Attempt, generation: int) -> None:
    """After the switch: this one is active, the one before is superseded, its instances retire."""
    context = attempt.context
    app_id = await context.database.writing(lambda session: _activate(session, attempt, generation))
    await wake_next_deployment(context, app_id)


async def fail_deployment(attempt: Attempt, error: SlipyardError) -> None:
    sentence = sentence_of(error)
    tail = error.log_tail if isinstance(error, RolloutFailed) else ()
    await attempt.trace.say(*(f"  | {line}" for line in tail), f"Deployment failed: {sentence}")
    await _end(attempt, DeploymentEnding(DeploymentStatus.FAILED, sentence, tail))


async def cancel_deployment_attempt(attempt: Attempt, reason: str) -> None:
    await attempt.trace.say(f"Deployment cancelled: {reason}")
    await _end(attempt, DeploymentEnding(DeploymentStatus.CANCELLED, reason))


async def wake_next_deployment(context: Context, app_id: str) -> None:
    """Deployments of an app take turns: whoever waited for this one may begin."""
    for waiting in await context.database.reading(lambda session: _waiting(session, app_id)):
        await context.queue.wake("deploy", waiting)


def _activate(session: Session, attempt: Attempt, generation: int) -> str:
    context, claim = attempt.context, attempt.claim
    now = context.clock.now()
    raise_if_cancelled(session, claim)
    row = session.get_one(Deployment, claim.id)
    before = active_deployment(session, row.app_id)
    kept = kept_running(session, row.id)
    if before is not None:
        _end_before(session, context, Change(row, before))
    fields = {
        "spans": [*row.spans, *attempt.stopwatch.spans],
        "finished_at": now,
        "previous_id": before.id if before else None,
        "progress": None,
        "bake_until": now + timedelta(seconds=seconds) if (seconds := bake_seconds(session, row, before)) else None,
        **_FREE,
    }
    transition(
        session,
        row,
        DeploymentStatus.ACTIVE,
        now=now,
        message=f"Requests go to deployment {row.number}.",
        claim=claim.token,
        **fields,
    )
    for instance in kept:
        keep(session, instance, row)
    say_what_stays(session, row, kept, now)
    _pass_on(session, context, Change(row, before))
    confirm_route(session, row.app_id, generation)
    app = session.get_one(App, row.app_id)
    app.last_deployed_at, app.stopped = now, False
    session.add(app)
    take_schedules_of(session, context, app, row.release_id)
    return row.app_id


def _end_before(session: Session, context: Context, change: Change) -> None:
    """What went bad is left, whoever took over: nobody is to go back to it by mistake."""
    before, now = change.before, context.clock.now()
    if before is None:
        return
    if before.evidence is None:
        message = f"Deployment {change.now.number} took over."
        transition(session, before, DeploymentStatus.SUPERSEDED, now=now, message=message, bake_until=None)
    else:
        said = before.evidence
        transition(session, before, DeploymentStatus.ROLLED_BACK, now=now, message=said, error=said, bake_until=None)


def _pass_on(session: Session, context: Context, change: Change) -> None:
    """Ours serve; of the release right before some are set aside; every other instance of the app retires."""
    now, active = context.clock.now(), change.now
    _let_older_go(session, context, change)
    query = select(Instance).where(Instance.app_id == active.app_id, col(Instance.status).in_(LIVE))
    for instance in session.exec(query).all():
        if instance.deployment_id == active.id:
            if instance.status is InstanceStatus.SERVING:
                continue  # since an earlier batch
            transition(session, instance, InstanceStatus.SERVING, now=now, message=f"{instance.id[-8:]} serves.")
        else:
            make_way(session, context, instance, change, "a later release serves")


def _let_older_go(session: Session, context: Context, change: Change) -> None:
    """One way back is kept. Starting the same release again is no step forward."""
    before, now = change.before, change.now
    kept = before.release_id if before is not None and before.evidence is None else None
    if before is not None and before.release_id == now.release_id:
        return
    query = select(Instance).where(Instance.app_id == now.app_id, col(Instance.status).in_(ASIDE))
    for instance in session.exec(query).all():
        if instance.release_id != kept:
            retire(session, context, instance, "a later release took its place as the way back")


async def _end(attempt: Attempt, ending: DeploymentEnding) -> None:
    context = attempt.context
    await fall_back(attempt)
    app_id, route = await context.database.writing(lambda session: _terminal(session, attempt, ending))
    if route is not None:
        await apply_route(context, route)
    await wake_next_deployment(context, app_id)


def _terminal(session: Session, attempt: Attempt, ending: DeploymentEnding) -> tuple[str, Route | None]:
    now = attempt.context.clock.now()
    row = session.get_one(Deployment, attempt.claim.id, populate_existing=True)
    if is_over(row.status):
        return row.app_id, None  # the cancel came while the last transaction was on its way
    columns = {
        "error": ending.sentence,
        "log_tail": list(ending.log_tail),
        "spans": [*row.spans, *attempt.stopwatch.spans],
        "finished_at": now,
    }
    message, token = ending.sentence, attempt.claim.token
    transition(session, row, ending.status, now=now, message=message, claim=token, **columns, **_FREE)
    route = give_back_route(session, row)
    _retire_all(session, attempt.context, row.id)
    _let_doubles_go(session, attempt.context, row.app_id)
    return row.app_id, route


def give_back_route(session: Session, row: Deployment) -> Route | None:
    """A worker that died between its intent and its end may have switched: the old addresses become the next generation."""
    intent = session.get(RouteRow, row.app_id)
    if intent is None or intent.deployment_id != row.id:
        return None
    before = active_deployment(session, row.app_id)
    app = session.get_one(App, row.app_id)
    if before is None or app.stopped:
        state = RouteState.STOPPED if app.stopped else RouteState.NOT_DEPLOYED
        return write_intent(session, row.app_id, state, (), None)
    addresses = serving_addresses(session, before.id)
    state = RouteState.AWAKE if addresses else RouteState.STOPPED  # nothing of it could be brought back
    return write_intent(session, row.app_id, state, addresses, before.id)


def serving_addresses(session: Session, deployment_id: str) -> tuple[str, ...]:
    query = select(Instance).where(
        Instance.deployment_id == deployment_id,
        Instance.status == InstanceStatus.SERVING,
        col(Instance.port).is_not(None),
    )
    return tuple(addresses_of(session.exec(query.order_by(col(Instance.ordinal))).all()))


def _retire_all(session: Session, context: Context, deployment_id: str) -> None:
    query = select(Instance).where(Instance.deployment_id == deployment_id, col(Instance.status).in_(LIVE))
    for instance in session.exec(query).all():
        retire(session, context, instance, "its deployment ended without it")


def _let_doubles_go(session: Session, context: Context, app_id: str) -> None:
    """What made room for a deployment that failed serves again: what was set aside of it meanwhile is one too many."""
    active = active_deployment(session, app_id)
    if active is not None:
        ours = Instance.deployment_id == active.id
        for instance in session.exec(select(Instance).where(ours, col(Instance.status).in_(ASIDE))).all():
            retire(session, context, instance, "its release serves again")


def _waiting(session: Session, app_id: str) -> list[str]:
    waiting = (DeploymentStatus.PENDING, DeploymentStatus.BUILDING)
    query = select(Deployment.id).where(Deployment.app_id == app_id, col(Deployment.status).in_(waiting))
    return list(session.exec(query.order_by(col(Deployment.number))).all())
