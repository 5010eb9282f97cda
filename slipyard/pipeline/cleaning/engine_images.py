"""Images in the engine that carry this installation's label and that no build's row leads to: lost attempts, left-overs."""

from slipyard.clients.container_engine import StoredImage
from slipyard.deployer.docker.names import APP
from slipyard.domain.cleaning import ENGINE_IMAGE, CleaningItem
from slipyard.pipeline.cleaning.finding import Finding, Remove
from slipyard.pipeline.cleaning.home import home_of_images
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.store.queries.image_names import Fate, fates_of


async def look_at_engine_images(survey: Survey) -> list[Finding]:
    """By name. One without a name is left to people: a build may be about to give it one."""
    images = await survey.images()
    fates = await _fates(survey, [name for image in images for name in image.names])
    named = [_finding(survey, image, name, fates[name]) for image in images for name in image.names]
    found = [await each for each in named]
    nameless = [await _nameless(survey, image) for image in images if not image.names]
    return [finding for finding in found if finding.remove is not None or finding.item.app is None] + nameless


async def _finding(survey: Survey, image: StoredImage, name: str, fate: Fate) -> Finding:
    size = await survey.bytes_of(image.image_id)
    item = CleaningItem(ENGINE_IMAGE, name, fate.reason, removable=fate.may_go, app=fate.app, bytes=size)
    return Finding(item, _removal(survey, name, size) if fate.may_go else None)


def _removal(survey: Survey, name: str, size: int | None) -> Remove:
    async def remove() -> int | None:
        if not (await _fates(survey, [name]))[name].may_go:
            return None
        await survey.context.engine.remove_image(name)
        return size or 0

    return remove


async def _nameless(survey: Survey, image: StoredImage) -> Finding:
    size = await survey.bytes_of(image.image_id)
    reason = "It has no name any more, or none yet: a build may be at work on it. `docker image prune` removes it."
    return Finding(
        CleaningItem(ENGINE_IMAGE, image.image_id, reason, removable=False, app=image.labels.get(APP), bytes=size)
    )


async def _fates(survey: Survey, names: list[str]) -> dict[str, Fate]:
    home, keep = home_of_images(survey.context), survey.context.settings.keep_releases
    return await survey.context.database.reading(lambda session: fates_of(session, home, keep, names))
