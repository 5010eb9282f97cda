"""What one message means for one app, and the verb that makes it so. Each verb writes the decision down itself."""

from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from slipyard.domain.announcement import Announcement, Kind, RefChange
from slipyard.domain.errors import UserError
from slipyard.pipeline.context import Context
from slipyard.pipeline.end_check import ChecksEnded, end_checks
from slipyard.pipeline.keep_decision import keep_decision, recorded_decision
from slipyard.pipeline.previews import request_changed
from slipyard.pipeline.push_seen import PushDecision, PushSeen
from slipyard.pipeline.receive_push import receive_pushes
from slipyard.pipeline.take_pushed_image import ImagesSeen, take_pushed_images
from slipyard.store.tables import App, Delivery
from slipyard.webhooks.trial import is_trial

_WORKS = "The hook works: pushes will be deployed."
_OTHERWISE = "Events of this kind deploy nothing; only pushes, requests, checks and images may."
_OWN_REMOTE = "This app is deployed from its own git remote; set source.repo_url to deploy from this repository."
_NO_REFS = "This push moved no branch and no tag."


@dataclass(frozen=True)
class Message:
    """`said` is a sentence where the delivery cannot be read. `provider` is the trigger of what it deploys."""

    delivery: Delivery
    provider: str
    said: Announcement | str

    @property
    def sender(self) -> str:
        return (self.said.sender if isinstance(self.said, Announcement) else "") or self.provider


async def decide_for_app(context: Context, message: Message, app: App) -> None:
    """Repeatable: what was decided for this app stays."""
    try:
        decision = await _decision(context, message, app)
    except UserError as error:
        decision = PushDecision("ignored", error.message)
    if decision is not None:
        keep = partial(_keep, context=context, delivery_id=message.delivery.id, app_id=app.id, decision=decision)
        await context.database.writing(keep)


async def _decision(context: Context, message: Message, app: App) -> PushDecision | None:
    """None where the verb has written its decision down."""
    said = message.said
    if isinstance(said, str):
        return PushDecision("ignored", said)
    if is_trial(said):
        return PushDecision("ignored", _WORKS)
    match said.kind:
        case Kind.PUSH:
            return await _pushed(context, message, said, app)
        case Kind.CHECK:
            await end_checks(context, ChecksEnded(app.id, said.checks, message.delivery.id))
        case Kind.IMAGE:
            await take_pushed_images(context, _images(message, said, app))
        case Kind.REQUEST if said.request is not None:
            return await request_changed(context, app.id, said.request, message.provider, said.repository, said.sender)
        case _:
            return PushDecision("ignored", _OTHERWISE)
    return None


async def _pushed(context: Context, message: Message, said: Announcement, app: App) -> PushDecision | None:
    if app.config.source.own_remote:
        return PushDecision("ignored", _OWN_REMOTE)
    if not said.refs:
        return PushDecision("ignored", _NO_REFS)
    await receive_pushes(context, [_seen(message, change, app) for change in said.refs])
    return None


def _seen(message: Message, change: RefChange, app: App) -> PushSeen:
    return PushSeen(
        app_id=app.id,
        ref=change.ref,
        commit=change.commit,
        previous=change.previous,
        trigger=message.provider,
        actor_name=message.sender,
        delivery_id=message.delivery.id,
        forced=change.forced,
        paths=change.paths,
        head_message=change.head_message,
        repeat=message.delivery.replay_of is not None,
        again=message.delivery.forced,
    )


def _images(message: Message, said: Announcement, app: App) -> ImagesSeen:
    return ImagesSeen(
        app_id=app.id,
        images=said.images,
        trigger=message.provider,
        actor_name=message.sender,
        delivery_id=message.delivery.id,
        own=app.id == message.delivery.app_id,
        again=message.delivery.forced,
    )


def _keep(session: Session, context: Context, delivery_id: str, app_id: str, decision: PushDecision) -> None:
    session.get_one(App, app_id, with_for_update=True)
    if recorded_decision(session, delivery_id, app_id) is None:
        keep_decision(session, context, delivery_id, app_id, decision)
