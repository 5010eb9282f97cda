"""What becomes of a delivery that was written down. Called before the answer, and later for what a crash left open."""

from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import Session, col, select

from slipyard.domain.announcement import Announcement, Kind
from slipyard.domain.errors import UserError
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.store.tables import App, Decision, Delivery, Hook
from slipyard.webhooks.announced import announced
from slipyard.webhooks.concerned_apps import concerned_apps
from slipyard.webhooks.decide_for_app import Message, decide_for_app
from slipyard.webhooks.trial import is_trial

_UNSYNCHRONIZED = {"synchronize_session": False}  # nobody reads these rows again in this session


@dataclass(frozen=True)
class Verdict:
    """`status`: deployed, superseded, skipped or ignored."""

    app: str
    status: str
    message: str
    deployment_id: str | None = None


@dataclass(frozen=True)
class _Open:
    delivery: Delivery
    hook: Hook
    app: App


async def decide_delivery(context: Context, delivery_id: str) -> list[Verdict]:
    """For each app that it concerns, the hook's own first, and for each of them once.

    Repeatable: where the process died in between, apps that were decided keep their verdict and the others get theirs.
    """
    found = await context.database.reading(lambda session: _load(session, delivery_id))
    if found.delivery.verdict is None:
        said = await _said(found)
        told = said if isinstance(said, Announcement) else None
        apps = await context.database.reading(lambda session: concerned_apps(session, found.app, told))
        message = Message(found.delivery, found.hook.provider, said)
        for app in apps:
            await decide_for_app(context, message, app)
        return await context.database.writing(lambda session: _close(session, context, found, message))
    return await context.database.reading(lambda session: _verdicts(session, found))


def _load(session: Session, delivery_id: str) -> _Open:
    delivery = session.get_one(Delivery, delivery_id)
    hook = session.get_one(Hook, delivery.hook_id)
    return _Open(delivery, hook, session.get_one(App, delivery.app_id))


async def _said(found: _Open) -> Announcement | str:
    try:
        return await announced(found.hook, found.delivery)
    except UserError as error:
        return error.message


def close_delivery(
    session: Session, context: Context, message: Message, hook: Hook, own: PushDecision | Decision
) -> None:
    """Once every app that it concerns has its decision. `own` is that of the hook's app, and the delivery's as well."""
    verdict, reason = (own.verdict, own.reason) if isinstance(own, Decision) else (own.status, own.message)
    told = {"verdict": verdict, "reason": reason, "deployment_id": own.deployment_id}
    still_open = update(Delivery).where(col(Delivery.id) == message.delivery.id, col(Delivery.verdict).is_(None))
    session.execute(still_open.values(decided_at=context.clock.now(), **told), execution_options=_UNSYNCHRONIZED)
    if hook.waiting_since is not None and _is_heard(message.said):
        heard = update(Hook).where(col(Hook.id) == hook.id, col(Hook.waiting_since).is_not(None))
        session.execute(heard.values(waiting_since=None), execution_options=_UNSYNCHRONIZED)


def _is_heard(said: Announcement | str) -> bool:
    return isinstance(said, Announcement) and said.kind in {Kind.PUSH, Kind.IMAGE} and not is_trial(said)


def _close(session: Session, context: Context, found: _Open, message: Message) -> list[Verdict]:
    own = session.get_one(Decision, (found.delivery.id, found.app.id))
    close_delivery(session, context, message, found.hook, own)
    return _verdicts(session, found)


def _verdicts(session: Session, found: _Open) -> list[Verdict]:
    query = select(Decision, App).join(App, col(Decision.app_id) == col(App.id))
    rows = session.exec(query.where(Decision.delivery_id == found.delivery.id)).all()
    ordered = sorted(rows, key=lambda row: (row[1].id != found.app.id, row[1].id))
    if not ordered:  # decided before there were decisions for each app
        old = session.get_one(Delivery, found.delivery.id)
        return [Verdict(found.app.slug, old.verdict or "ignored", old.reason or "", old.deployment_id)]
    return [Verdict(app.slug, row.verdict, row.reason, row.deployment_id) for row, app in ordered]
