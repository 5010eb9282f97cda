"""A built image goes to the registry, off the path to live, and its manifest is read back before it counts as there."""

import structlog
from sqlmodel import Session, col, select

from slipyard.domain.errors import SlipyardError, SystemFault
from slipyard.domain.lifecycle import BuildStatus
from slipyard.domain.release import ImageIdentity
from slipyard.pipeline.builds.push_gate import push_gate
from slipyard.pipeline.context import Context
from slipyard.store.tables import Build

MOST_ATTEMPTS = 8
_log = structlog.get_logger()


async def publish_images(context: Context, turn: int) -> None:
    """One pass over what is not published. A failed one waits for twice as many turns each time."""
    for build in await context.database.reading(_unpublished):
        if turn % (1 << build.publish_attempts) == 0:
            await _publish(context, build)


async def _publish(context: Context, build: Build) -> None:
    """All of its images, so that what is published can be had whole."""
    own = ImageIdentity(reference=build.image_reference or "", image_id=build.image_id or "")
    try:
        async with push_gate(context).pushing():
            digest = await _pushed(context, own)
            images = {name: await _with_digest(context, image) for name, image in build.images.items()}
    except SlipyardError as error:
        reason = error.message
        _log.warning("publish_failed", build_id=build.id, error=reason)
        await context.database.writing(lambda session: _missed(session, build.id, reason))
    else:
        await context.database.writing(lambda session: _published(session, context, build.id, digest, images))


async def _with_digest(context: Context, image: ImageIdentity) -> ImageIdentity:
    return image.model_copy(update={"manifest_digest": await _pushed(context, image)})


async def _pushed(context: Context, image: ImageIdentity) -> str:
    await context.engine.push(image.reference, context.registry_home.credentials)
    return await _read_back(context, image.reference, image.image_id)


async def _read_back(context: Context, reference: str, image_id: str) -> str:
    manifest = await context.registry.manifest(reference, context.registry_home.credentials)
    if manifest.config_digest != image_id:
        raise SystemFault(
            f"The registry has another image under {reference} than was built: {manifest.config_digest} and not"
            f" {image_id}. It is not used; pushing again."
        )
    return manifest.digest


def _unpublished(session: Session) -> list[Build]:
    query = select(Build).where(
        Build.status == BuildStatus.SUCCEEDED,
        col(Build.published_at).is_(None),
        col(Build.image_reference).is_not(None),
        col(Build.publish_attempts) < MOST_ATTEMPTS,
    )
    return list(session.exec(query.order_by(Build.id).limit(20)).all())


def _missed(session: Session, build_id: str, error: str) -> None:
    build = session.get_one(Build, build_id)
    build.publish_attempts += 1
    build.publish_error = error
    session.add(build)


def _published(
    session: Session, context: Context, build_id: str, digest: str, images: dict[str, ImageIdentity]
) -> None:
    build = session.get_one(Build, build_id)
    build.images = images
    build.manifest_digest, build.published_at, build.publish_error = digest, context.clock.now(), None
    session.add(build)
