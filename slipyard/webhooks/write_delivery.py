"""A delivery is written down under its unique key, and decided in that same transaction as far as the database can tell.

That is one commit to disk instead of three and one thread instead of five. What takes more to know (git, a registry, a code
host) is decided afterwards, and so is all where deciding at once breaks: nothing that was sent depends on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.store.tables import App, Delivery, Hook
from slipyard.webhooks.concerned_apps import concerned_apps
from slipyard.webhooks.decide import Verdict, close_delivery
from slipyard.webhooks.decide_for_app import Message, decide_at_once
from slipyard.webhooks.examine import Examined

_log = structlog.get_logger()


@dataclass(frozen=True)
class Taken:
    """`again`: the same delivery was written down before. `verdicts`: None where they are not known yet. `builds` are to be
    woken up."""

    delivery_id: str
    again: bool = False
    verdicts: Sequence[Verdict] | None = None
    builds: Sequence[str] = ()


async def write_delivery(context: Context, hook: Hook, examined: Examined) -> Taken:
    try:
        return await context.database.writing(partial(_write_decided, context=context, hook=hook, examined=examined))
    except Exception as error:  # noqa: BLE001 - whatever it is, the delivery is written down without it
        if not isinstance(error, IntegrityError):
            _log.exception("delivery_not_decided_at_once", hook_id=hook.id)
    return await context.database.writing(partial(_write_alone, context=context, hook=hook, examined=examined))


def _write_decided(session: Session, context: Context, hook: Hook, examined: Examined) -> Taken:
    row = _write(session, context, hook, examined)
    if isinstance(row, Taken) or examined.said is None:
        return row if isinstance(row, Taken) else Taken(row.id)
    own = session.get_one(App, hook.app_id)
    apps = concerned_apps(session, own, examined.said)
    message = Message(row, hook.provider, examined.said)
    found = {app.id: decide_at_once(session, context, message, app) for app in _locked(session, apps)}
    known = [(app, each) for app in apps if (each := found[app.id]) is not None]
    builds = [each.build_id for _, each in known if each.build_id is not None]
    if len(known) < len(apps):
        return Taken(row.id, builds=builds)
    close_delivery(session, context, message, hook, known[0][1])
    return Taken(row.id, verdicts=[_verdict(*each) for each in known], builds=builds)


def _write_alone(session: Session, context: Context, hook: Hook, examined: Examined) -> Taken:
    row = _write(session, context, hook, examined)
    return row if isinstance(row, Taken) else Taken(row.id)


def _locked(session: Session, apps: Sequence[App]) -> list[App]:
    """By id, so that no two wait for each other. SQLite has one writer: what this transaction has read still holds."""
    ordered = sorted(apps, key=lambda app: app.id)
    if session.get_bind().dialect.name == "sqlite":
        return ordered
    return [session.get_one(App, app.id, with_for_update=True) for app in ordered]


def _verdict(app: App, decision: PushDecision) -> Verdict:
    return Verdict(app.slug, decision.status, decision.message, decision.deployment_id)


def _write(session: Session, context: Context, hook: Hook, examined: Examined) -> Delivery | Taken:
    seen = session.exec(_same(hook, examined)).first()
    if seen is not None:
        return Taken(seen, again=True)
    row = Delivery(
        id=new_id("dlv"),
        hook_id=hook.id,
        app_id=hook.app_id,
        provider_id=examined.provider_id,
        event=examined.event,
        headers=dict(examined.headers),
        body=examined.body,
        body_bytes=examined.size,
        body_digest=examined.digest,
        received_at=context.clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def _same(hook: Hook, examined: Examined) -> SelectOfScalar[str]:
    """By its id. Where that is outside of the signature, an old body under a new id is a replay too."""
    names = [col(Delivery.provider_id) == examined.provider_id]
    if examined.replayable:
        names.append(col(Delivery.body_digest) == examined.digest)
    return select(Delivery.id).where(Delivery.hook_id == hook.id, or_(*names)).order_by(col(Delivery.id)).limit(1)
