"""The image of a release that exists already: on this engine, or by its digest from the registry. Never a rebuild."""

from sqlmodel import Session

from slipyard.domain.errors import NotFound, RolloutFailed
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.release import ImageIdentity
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.sources.registry_logins import login_for
from slipyard.store.tables import Build, Release

THAWED, STARTED, PULLED = "thawed", "started", "pulled"


async def bring_image(attempt: Attempt, rollout: Rollout) -> str:
    """How: `started` where it is there, `pulled` where it had to come. `RolloutFailed` where it is nowhere."""
    engine, image = attempt.context.engine, rollout.config.image
    if await engine.image(image.image_id) is not None:
        return STARTED
    reference = await attempt.context.database.reading(lambda session: published_name(session, rollout.release_id))
    await attempt.trace.say(
        f"The image of release {rollout.release_number} is not on this engine: pulling {reference}."
    )
    with attempt.stopwatch.span("pull"):
        await _pull(attempt, rollout, reference, image)
    return PULLED


async def bring_service_images(attempt: Attempt, rollout: Rollout) -> None:
    """Those of services that have an image of their own, beside the app's."""
    images = {each.image.image_id: each.image for each in rollout.config.services if each.image is not None}
    for image_id, image in images.items():
        if image_id and await attempt.context.engine.image(image_id) is None:
            reference = by_digest(image.reference, image.manifest_digest)
            await attempt.trace.say(f"{image.reference} is not on this engine: pulling {reference}.")
            with attempt.stopwatch.span("pull"):
                await _pull(attempt, rollout, reference, image)


async def _pull(attempt: Attempt, rollout: Rollout, reference: str, image: ImageIdentity) -> None:
    context = attempt.context
    credentials = await login_for(context, rollout.app_id, parse_image_reference(reference).domain)
    try:
        facts = await context.engine.pull(reference, credentials)
    except NotFound as error:
        raise RolloutFailed(
            f"The image of release {rollout.release_number} is neither on this engine nor in its registry as {reference}. "
            "Go back to another deployment, or build its commit again."
        ) from error
    if facts.image_id != image.image_id:
        raise RolloutFailed(
            f"The registry has another image under {reference} than release {rollout.release_number} was made of: "
            f"{facts.image_id} and not {image.image_id}. It is not used. Build its commit again."
        )
    await context.engine.tag(image.image_id, image.reference)


def published_name(session: Session, release_id: str) -> str:
    """By digest where one is known: a tag may have been moved since."""
    release = session.get_one(Release, release_id)
    image = release.config.image
    build = session.get(Build, release.build_id) if release.build_id else None
    digest = image.manifest_digest or (build.manifest_digest if build else None)
    return by_digest(image.reference, digest)


def by_digest(reference: str, digest: str | None) -> str:
    return f"{parse_image_reference(reference).repository}@{digest}" if digest else reference
