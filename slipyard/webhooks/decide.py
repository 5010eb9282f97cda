"""What becomes of a delivery that was written down. Called before the answer, and later for what a crash left open."""

from dataclasses import dataclass

from sqlalchemy import update
from sqlmodel import Session, col, select

from slipyard.domain.announcement import Announcement, Kind, RefChange
from slipyard.domain.errors import UserError
from slipyard.domain.skip_markers import skip_marker
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.receive_push import NO_COMMIT, PushDecision, PushSeen, receive_push
from slipyard.store.tables import App, Delivery, Deployment, Hook, Push
from slipyard.webhooks.announced import announced

_ACCEPTED = "accepted"
_NOTHING_TO_DO = {
    Kind.PING: "The hook works: pushes will be deployed.",
}
_OTHERWISE = "Events of this kind deploy nothing; only pushes do."


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


async def decide_delivery(context: Context, delivery_id: str) -> Verdict:
    """Once: a delivery that was decided keeps its verdict. Repeatable where the process dies in between."""
    found = await context.database.reading(lambda session: _load(session, delivery_id))
    decided = found.delivery
    if decided.verdict is not None:
        return Verdict(found.app.slug, decided.verdict, decided.reason or "", decided.deployment_id)
    decision = await _recorded(context, delivery_id) or await _decision(context, found)
    if decision.deployment_id is None:  # perhaps somebody else decided the same delivery at the same moment
        decision = await _recorded(context, delivery_id) or decision
    await context.database.writing(lambda session: _keep(session, context, delivery_id, decision))
    return Verdict(found.app.slug, decision.status, decision.message, decision.deployment_id)


def _load(session: Session, delivery_id: str) -> _Open:
    delivery = session.get_one(Delivery, delivery_id)
    hook = session.get_one(Hook, delivery.hook_id)
    return _Open(delivery, hook, session.get_one(App, delivery.app_id))


async def _decision(context: Context, found: _Open) -> PushDecision:
    try:
        said = await announced(found.hook, found.delivery)
    except UserError as error:
        return PushDecision("ignored", error.message)
    if said.kind is not Kind.PUSH:
        return PushDecision("ignored", _NOTHING_TO_DO.get(said.kind, _OTHERWISE))
    (change,) = said.refs  # GitHub tells of one at a time
    return _why_not(found.app, change) or await _received(context, found, said, change)


async def _received(context: Context, found: _Open, said: Announcement, change: RefChange) -> PushDecision:
    push = PushSeen(
        app_id=found.app.id,
        ref=change.ref,
        commit=change.commit,
        previous=change.previous,
        trigger=found.hook.provider,
        actor_name=said.sender or found.hook.provider,
        delivery_id=found.delivery.id,
        forced=change.forced,
    )
    try:
        return await receive_push(context, push)
    except UserError as error:
        return PushDecision("ignored", error.message)


def _why_not(app: App, change: RefChange) -> PushDecision | None:
    if change.commit == NO_COMMIT:
        return PushDecision("ignored", "A branch or tag was deleted; what is live stays.")
    if not change.ref.startswith("refs/heads/"):
        return PushDecision("ignored", "Tags are not deployed; pushes to the app's branch are.")
    if app.config.source.type is SourceType.GIT and app.config.source.own_remote:
        sentence = "This app is deployed from its own git remote; set source.repo_url to deploy from this repository."
        return PushDecision("ignored", sentence)
    marker = skip_marker(change.head_message)
    if marker is not None and change.ref == f"refs/heads/{app.config.source.branch}":
        return PushDecision("skipped", f"The head commit says {marker}; `slipyard deploy` deploys it anyway.")
    return None


async def _recorded(context: Context, delivery_id: str) -> PushDecision | None:
    """What became of the push of this delivery, where that was written down and the verdict was not yet."""

    def look(session: Session) -> PushDecision | None:
        query = select(Push).where(Push.delivery_id == delivery_id).order_by(col(Push.decision) != _ACCEPTED)
        push = session.exec(query).first()
        if push is None:
            return None
        if push.decision != _ACCEPTED:
            return PushDecision(push.decision, push.reason)
        made = select(Deployment).where(Deployment.app_id == push.app_id, Deployment.commit == push.commit)
        deployment = session.exec(made.order_by(col(Deployment.number))).first()
        return PushDecision("deployed", push.reason, deployment_id=deployment.id if deployment else None)

    return await context.database.reading(look)


def _keep(session: Session, context: Context, delivery_id: str, decision: PushDecision) -> None:
    still_open = update(Delivery).where(col(Delivery.id) == delivery_id, col(Delivery.verdict).is_(None))
    session.execute(
        still_open.values(
            verdict=decision.status,
            reason=decision.message,
            deployment_id=decision.deployment_id,
            decided_at=context.clock.now(),
        )
    )
