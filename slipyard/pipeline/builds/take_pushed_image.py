"""A registry says that a tag has a new image. What it claims is a hint: the rollout resolves the tag itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from slipyard.domain.announcement import ImagePushed
from slipyard.domain.errors import SlipyardError
from slipyard.domain.image_reference import ImageReference, parse_image_reference
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.keep_decision import keep_decision, recorded_decision
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Release


@dataclass(frozen=True)
class ImagesSeen:
    """`own`: the hook is this app's, so that its registry may be called by another name. `again`: also what is live."""

    app_id: str
    images: tuple[ImagePushed, ...]
    trigger: str
    actor_name: str
    delivery_id: str | None = None
    own: bool = False
    again: bool = False


async def take_pushed_images(context: Context, seen: ImagesSeen) -> PushDecision:
    """In one transaction, the decision about the delivery with it."""
    decision = await context.database.writing(partial(_decide, context=context, seen=seen))
    if decision.deployment_id is not None:
        await context.queue.wake("deploy", decision.deployment_id)
    return decision


def follows_image(app: App, images: Sequence[ImagePushed]) -> bool:
    wanted = _followed(app)
    return wanted is not None and any(_is_same(image, wanted, own=False) for image in images)


def _decide(session: Session, context: Context, seen: ImagesSeen) -> PushDecision:
    app = session.get_one(App, seen.app_id, with_for_update=True)
    recorded = recorded_decision(session, seen.delivery_id, app.id)
    if recorded is not None:
        return recorded
    decision = _decision(session, context, app, seen)
    keep_decision(session, context, seen.delivery_id, app.id, decision)
    return decision


def _decision(session: Session, context: Context, app: App, seen: ImagesSeen) -> PushDecision:
    wanted = _followed(app)
    ignored = _why_not(app, wanted)
    if ignored is not None or wanted is None:
        return PushDecision("ignored", ignored or "")
    found = next((image for image in seen.images if _is_same(image, wanted, own=seen.own)), None)
    if found is None:
        return PushDecision("ignored", _other(seen.images, wanted))
    if not seen.again and found.digest is not None and found.digest == _live_digest(session, app):
        return PushDecision("ignored", f"{wanted} is already live as {found.digest}.")
    asked = Asked(seen.trigger, seen.actor_name, title=f"New image of {wanted}", image=app.config.source.image)
    deployment = write_deployment(session, context, app, asked)
    sentence = f"{wanted} has a new image, which deployment {deployment.number} resolves and deploys."
    return PushDecision("deployed", sentence, deployment_id=deployment.id)


def _why_not(app: App, wanted: ImageReference | None) -> str | None:
    if app.deleting_at is not None:
        return "The app is being deleted."
    if wanted is None:
        return f"The source of this app is {app.config.source.type}, not an image; new images deploy nothing."
    if wanted.pinned:
        return f"The app is pinned to {wanted.digest}; a new image of the tag changes nothing."
    if not app.config.auto_deploy:
        return "auto_deploy is off; `slipyard deploy` deploys the tag's image."
    return None


def _followed(app: App) -> ImageReference | None:
    source = app.config.source
    return parse_image_reference(source.image) if source.type is SourceType.IMAGE and source.image else None


def _is_same(image: ImagePushed, wanted: ImageReference, *, own: bool) -> bool:
    try:
        given = parse_image_reference(image.repository)
    except SlipyardError:
        return False
    same_place = given.path == wanted.path if own else given.repository == wanted.repository
    return same_place and image.tag == (wanted.tag or "latest")


def _other(images: Sequence[ImagePushed], wanted: ImageReference) -> str:
    names = sorted({f"{image.repository}:{image.tag}" for image in images})
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0] if names else 'No image'}{more} was pushed; this app follows {wanted}."


def _live_digest(session: Session, app: App) -> str | None:
    active = active_deployment(session, app.id)
    release = session.get(Release, active.release_id) if active is not None and active.release_id else None
    return release.config.image.manifest_digest if release else None
