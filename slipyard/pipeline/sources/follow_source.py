"""What a look found becomes a push or a new image, where nobody told of it: the decision is that of every other trigger."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.announcement import ImagePushed
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.source import SourceType
from slipyard.pipeline.builds.take_pushed_image import ImagesSeen, take_pushed_images
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import POLL, PushDecision, PushSeen
from slipyard.pipeline.pushes.receive_push import receive_pushes
from slipyard.pipeline.sources.look_at_source import Sight
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.queries.polls import built_commit
from slipyard.store.queries.pushes import decided_head
from slipyard.store.tables import App, Poll, Release

_NAME = "polling"


@dataclass(frozen=True)
class _Known:
    """What of a ref or tag is in Slipyard already, and what was decided last; nothing: it was never deployed from."""

    decided: str | None
    built: str | None = None


async def follow_source(context: Context, app: App, sight: Sight, before: Poll | None) -> PushDecision:
    """What is there when an app is looked at first is where it begins, unless it was deployed from there before: it may
    have been made without a deployment on purpose."""
    seen, refs = (before.seen, before.refs) if before else (None, None)
    if app.config.source.type is SourceType.IMAGE:
        return await _follow_image(context, app, sight.found or "", seen)
    moved = {} if sight.found in {None, seen} else {_own(app): sight.found or ""}
    if refs is not None:
        moved |= {ref: commit for ref, commit in (sight.refs or {}).items() if refs.get(ref) != commit}
    if not moved:
        return PushDecision("ignored", _nothing_new(sight.found))
    pushes = await context.database.reading(lambda session: _pushes(session, app, moved, begins=seen is None))
    if pushes:
        return await receive_pushes(context, pushes)
    if seen is None and sight.found is not None:
        return PushDecision("ignored", f"{_short(sight.found)} is where it begins: what comes after it is deployed.")
    return PushDecision("ignored", _nothing_new(sight.found))


async def _follow_image(context: Context, app: App, found: str, seen: str | None) -> PushDecision:
    live = await context.database.reading(lambda session: _live_digest(session, app))
    if found in {seen, live}:
        return PushDecision("ignored", _nothing_new(found))
    if seen is None and live is None:
        return PushDecision("ignored", f"{_short(found)} is where it begins: what comes after it is deployed.")
    image = parse_image_reference(app.config.source.image or "")
    pushed = ImagePushed(image.repository, image.tag or "latest", found)
    return await take_pushed_images(context, ImagesSeen(app.id, (pushed,), POLL, _NAME))


def _pushes(session: Session, app: App, moved: Mapping[str, str], *, begins: bool) -> list[PushSeen]:
    """Of those that nobody told of yet."""
    found = []
    for ref, commit in moved.items():
        known = _known(session, app, ref)
        starts = begins and ref == _own(app) and known == _Known(None)
        if commit not in {known.decided, known.built} and not starts:
            found.append(PushSeen(app.id, ref, commit, known.decided, POLL, _NAME))
    return found


def _known(session: Session, app: App, ref: str) -> _Known:
    built = built_commit(session, app) if ref == _own(app) else None
    return _Known(decided_head(session, app, ref), built)


def _own(app: App) -> str:
    return f"refs/heads/{app.config.source.branch}"


def _live_digest(session: Session, app: App) -> str | None:
    active = active_deployment(session, app.id)
    release = session.get(Release, active.release_id) if active is not None and active.release_id else None
    return release.config.image.manifest_digest if release else None


def _nothing_new(found: str | None) -> str:
    return f"Nothing new: {_short(found)} was seen, deployed or decided before." if found else "Nothing new is there."


def _short(found: str) -> str:
    return found.removeprefix("sha256:")[:12]
