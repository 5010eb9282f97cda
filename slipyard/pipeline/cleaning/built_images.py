"""Images of builds, in the engine and in the registry. One that a release may need stays, whichever app's it is."""

from sqlmodel import Session

from slipyard.domain.cleaning import IMAGE, CleaningItem
from slipyard.domain.image_reference import parse_image_reference
from slipyard.pipeline.cleaning.finding import Finding, Remove
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.pipeline.context import Context
from slipyard.store.queries.kept_images import KeptImage, kept_images
from slipyard.store.queries.retention import UnneededImage, images_due, let_image_go, unneeded_images
from slipyard.store.tables import App, Build

_AT_ONCE = 1000


async def look_at_built_images(survey: Survey) -> list[Finding]:
    """An image is written off before it is removed, so that no build reuses what is about to go."""
    context, keep = survey.context, survey.context.settings.keep_releases
    read = context.database.reading
    unneeded = await read(lambda session: [*images_due(session), *unneeded_images(session, keep, limit=_AT_ONCE)])
    slugs = await read(
        lambda session: {app_id: _slug(session, app_id) for app_id in {each.app_id for each in unneeded}}
    )
    kept = await read(lambda session: kept_images(session, keep))
    return [
        *[await _leaving(survey, image, slugs[image.app_id]) for image in unneeded],
        *[await _staying(survey, image) for image in kept],
    ]


async def remove_built_image(context: Context, image: UnneededImage) -> bool:
    """From the engine and the registry. Where one of them does not answer, the row says so, and the next pass tries again."""
    keep, now = context.settings.keep_releases, context.clock.now()
    if not await context.database.writing(lambda session: let_image_go(session, image, keep, now)):
        return False
    await _remove(context, image.reference, None if image.shared else image.manifest_digest)
    for beside in image.beside:
        await _remove(context, beside.reference, beside.manifest_digest)
    await context.database.writing(lambda session: _is_gone(session, image.build_id))
    return True


async def _remove(context: Context, reference: str, digest: str | None) -> None:
    """A tag may have been moved since; the digest is what we pushed."""
    await context.engine.remove_image(reference)
    if digest is not None:
        repository = parse_image_reference(reference).repository
        await context.registry.delete(f"{repository}@{digest}", context.registry_home.credentials)


async def _leaving(survey: Survey, image: UnneededImage, app: str) -> Finding:
    size = None if image.shared else await survey.bytes_of(image.image_id)
    reason = "No release that may be deployed needs it."
    if image.shared:
        reason = "No release needs it by this name; another one keeps the image."
    item = CleaningItem(IMAGE, image.reference, reason, removable=True, app=app, bytes=size)
    return Finding(item, _removal(survey, image, size))


def _removal(survey: Survey, image: UnneededImage, size: int | None) -> Remove:
    async def remove() -> int | None:
        return size or 0 if await remove_built_image(survey.context, image) else None

    return remove


async def _staying(survey: Survey, image: KeptImage) -> Finding:
    size = await survey.bytes_of(image.image_id)
    return Finding(CleaningItem(IMAGE, image.reference, image.reason, removable=False, app=image.app, bytes=size))


def _is_gone(session: Session, build_id: str) -> None:
    build = session.get_one(Build, build_id)
    build.removal_due = False
    session.add(build)


def _slug(session: Session, app_id: str) -> str:
    return session.get_one(App, app_id).slug
