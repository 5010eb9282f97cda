"""What one message means for one app, and the verb that makes it so. Each verb writes the decision down itself."""

from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from slipyard.domain.announcement import Announcement, Kind, RefChange
from slipyard.domain.errors import UserError
from slipyard.pipeline.builds.take_pushed_image import ImagesSeen, take_pushed_images
from slipyard.pipeline.context import Context
from slipyard.pipeline.previews.previews import request_changed
from slipyard.pipeline.pushes.end_check import ChecksEnded, end_checks
from slipyard.pipeline.pushes.keep_decision import keep_decision, recorded_decision
from slipyard.pipeline.pushes.push_seen import PushDecision, PushSeen
from slipyard.pipeline.pushes.receive_push import decide_pushes, receive_pushes
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


def decide_at_once(session: Session, context: Context, message: Message, app: App) -> PushDecision | None:
    """In the transaction of a caller that has locked the app, of a delivery that nobody has decided. None where more has to
    be asked than the database."""
    ignored = _ignored(message.said, app)
    if ignored is not None:
        keep_decision(session, context, message.delivery.id, app.id, ignored)
        return ignored
    if isinstance(message.said, str) or message.said.kind is not Kind.PUSH:
        return None
    return decide_pushes(session, context, app, [_seen(message, change, app) for change in message.said.refs])


async def _decision(context: Context, message: Message, app: App) -> PushDecision | None:
    """None where the verb has written its decision down."""
    said, ignored = message.said, _ignored(message.said, app)
    if ignored is not None or isinstance(said, str):
        return ignored
    match said.kind:
        case Kind.PUSH:
            await receive_pushes(context, [_seen(message, change, app) for change in said.refs])
        case Kind.CHECK:
            await end_checks(context, ChecksEnded(app.id, said.checks, message.delivery.id))
        case Kind.IMAGE:
            await take_pushed_images(context, _images(message, said, app))
        case Kind.REQUEST if said.request is not None:
            return await request_changed(context, app.id, said.request, message.provider, said.repository, said.sender)
    return None


def _ignored(said: Announcement | str, app: App) -> PushDecision | None:
    """What deploys nothing, whatever the app's rules say."""
    sentence = said if isinstance(said, str) else _why_nothing(said, app)
    return None if sentence is None else PushDecision("ignored", sentence)


def _why_nothing(said: Announcement, app: App) -> str | None:
    if is_trial(said):
        return _WORKS
    match said.kind:
        case Kind.PUSH:
            return _OWN_REMOTE if app.config.source.own_remote else None if said.refs else _NO_REFS
        case Kind.CHECK | Kind.IMAGE:
            return None
        case _:
            return _OTHERWISE if said.kind is not Kind.REQUEST or said.request is None else None


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
        may_be_forced=change.may_be_forced,
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
