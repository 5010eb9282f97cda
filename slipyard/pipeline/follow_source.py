"""What a look found becomes a push or a new image, where nobody told of it: the decision is that of every other trigger."""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.announcement import ImagePushed
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.push_seen import POLL, PushDecision, PushSeen
from slipyard.pipeline.receive_push import receive_push
from slipyard.pipeline.take_pushed_image import ImagesSeen, take_pushed_images
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.queries.polls import built_commit
from slipyard.store.queries.pushes import decided_head
from slipyard.store.tables import App, Release

_NAME = "polling"


@dataclass(frozen=True)
class _Known:
    """What of the source is in Slipyard already, and what was decided last; nothing: it was never deployed from."""

    decided: str | None
    built: str | None


async def follow_source(context: Context, app: App, found: str, seen: str | None) -> PushDecision:
    """`seen` is what the look before found. What is there when an app is looked at first is where it begins, unless
    it was deployed from there before: it may have been made without a deployment on purpose."""
    if found == seen:
        return PushDecision("ignored", f"Nothing new: {_short(found)} was seen before.")
    known = await context.database.reading(lambda session: _known(session, app))
    if found in {known.decided, known.built}:
        return PushDecision("ignored", f"Nothing new: {_short(found)} was deployed or decided before.")
    if seen is None and known == _Known(None, None):
        return PushDecision("ignored", f"{_short(found)} is where it begins: what comes after it is deployed.")
    return await _announce(context, app, found, known.decided)


async def _announce(context: Context, app: App, found: str, decided: str | None) -> PushDecision:
    source = app.config.source
    if source.type is SourceType.IMAGE:
        image = parse_image_reference(source.image or "")
        pushed = ImagePushed(image.repository, image.tag or "latest", found)
        return await take_pushed_images(context, ImagesSeen(app.id, (pushed,), POLL, _NAME))
    return await receive_push(context, PushSeen(app.id, f"refs/heads/{source.branch}", found, decided, POLL, _NAME))


def _known(session: Session, app: App) -> _Known:
    if app.config.source.type is SourceType.GIT:
        return _Known(decided_head(session, app, f"refs/heads/{app.config.source.branch}"), built_commit(session, app))
    active = active_deployment(session, app.id)
    release = session.get(Release, active.release_id) if active is not None and active.release_id else None
    return _Known(None, release.config.image.manifest_digest if release else None)


def _short(found: str) -> str:
    return found.removeprefix("sha256:")[:12]
