"""Another instance in the place of one that cannot be put right: asked for here, brought up by `bring_up_others.py`."""

from datetime import timedelta

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.healing import Place, backoff_seconds, failures_now, is_due
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.coming import COMING, is_coming, plan
from slipyard.pipeline.healing.note_end import started_at
from slipyard.pipeline.healing.rotation import is_free_to_change
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.store.events import record
from slipyard.store.tables import Instance


async def ask_for_another(context: Context, instance_id: str, why: str, *, beside: bool = False) -> None:
    """`why` completes "It ...". Nothing happens while one is on its way, before its time has come, or during a deployment;
    with `beside` neither where its strategy would end the old one first."""
    route = await context.database.writing(lambda session: _ask(session, context, instance_id, why, beside=beside))
    if route is not None:
        await apply_route(context, route)


async def call_off(context: Context, instance_id: str) -> None:
    """What was to take its place is not needed any more."""

    def retire_them(session: Session) -> None:
        query = select(Instance).where(Instance.replaces == instance_id, col(Instance.status).in_(COMING))
        for row in session.exec(query).all():
            retire(session, context, row, f"{instance_id[-8:]} is well again")

    await context.database.writing(retire_them)


def _ask(session: Session, context: Context, instance_id: str, why: str, *, beside: bool) -> Route | None:
    old, now = session.get_one(Instance, instance_id), context.clock.now()
    place = Place(old.service, old.ordinal)
    app = is_free_to_change(session, old)
    if app is None or old.status is not InstanceStatus.SERVING or not is_due(old.retry_at, now):
        return None
    if is_coming(session, old.deployment_id, place):
        return None
    if old.service in load_rollout(session, context, old.deployment_id).config.alone:
        return None if beside else _make_room(session, context, old, why)
    new = plan(session, context, app, old.deployment_id, place)
    new.replaces = old.id
    new.failures = failures_now(old.failures, started_at(old), now)
    new.retry_at = now + timedelta(seconds=backoff_seconds(new.failures))
    session.add(new)
    message = f"{old.id[-8:]} {why}. {new.id[-8:]} takes its place once it is ready."
    record(session, app.id, "instance.replacing", message, now=now, instance_id=old.id, replaced_by=new.id)
    return None


def _make_room(session: Session, context: Context, old: Instance, why: str) -> Route | None:
    """What may run only once ends first; the reconciler starts the next one when it is gone."""
    message = f"{old.id[-8:]} {why}. It ends first, as its strategy says, and is then started anew."
    record(session, old.app_id, "instance.replacing", message, now=context.clock.now(), instance_id=old.id)
    retire(session, context, old, "another one is to take its place")
    if old.port is None:
        return None
    return write_intent(session, old.app_id, RouteState.REPLACING, (), old.deployment_id)
