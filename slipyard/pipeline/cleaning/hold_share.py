"""Above the set share of the disk what is cheapest to make again goes first: the builder's cache, then the engine's copies
of images that the registry has and that only a rollback far back would need. What a rollback needs is never given up."""

from dataclasses import dataclass

import structlog

from slipyard.domain.cleaning import BUILD_CACHE, ENGINE_IMAGE, CleaningItem, DiskUse
from slipyard.pipeline.cleaning.disk_use import CACHE, disk_use, file_systems
from slipyard.pipeline.cleaning.finding import Finding, Remove
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.store.queries.kept_images import KeptImage, copies_elsewhere

_log = structlog.get_logger()


@dataclass(frozen=True)
class Pressure:
    """`findings` in the order in which they go, as many as bring `use` below its limit."""

    use: DiskUse
    findings: list[Finding]

    @property
    def sentence(self) -> str | None:
        left = self.use.excess - sum(each.item.bytes or 0 for each in self.findings)
        if left <= 0:
            return None
        return (
            f"Slipyard holds {self.use.own} bytes of the {self.use.limit} that SLIPYARD_DISK_SHARE leaves it, and {left} of"
            " what is too much are needed by apps and by ways back. Delete apps, keep fewer releases"
            " (SLIPYARD_KEEP_RELEASES), or give it a larger share."
        )


async def feel_pressure(survey: Survey) -> Pressure:
    use = await disk_use(survey)
    if not use.excess:
        return Pressure(use, [])
    cache = await _cache(survey, use)
    left = use.excess - sum(each.item.bytes or 0 for each in cache)
    return Pressure(use, [*cache, *await _copies(survey, left)])


async def hold_share(survey: Survey) -> list[Finding]:
    """What has to go. Asks for sizes only where the disk is so full that Slipyard may be above its share."""
    total, used = await file_systems(survey)
    if used <= total * survey.context.settings.disk_share:
        return []
    pressure = await feel_pressure(Survey(survey.context, exact=True))
    if pressure.sentence is not None:
        _log.warning("disk_share_exceeded", reason=pressure.sentence)
    return pressure.findings


async def _cache(survey: Survey, use: DiskUse) -> list[Finding]:
    builder = survey.context.image_builder
    spare = min(use.excess, (await builder.cache_use()).reclaimable)
    if not spare:
        return []
    kept = use.parts[CACHE] - spare
    why = "What was used least recently goes first: builds make it again."
    item = CleaningItem(BUILD_CACHE, await builder.describe(), why, removable=True, bytes=spare)

    async def remove() -> int:
        return await builder.prune_cache(kept)

    return [Finding(item, remove)]


async def _copies(survey: Survey, excess: int) -> list[Finding]:
    """Those of the oldest releases first."""
    context, found = survey.context, list[Finding]()
    keep = context.settings.keep_releases
    names = {name for image in await survey.images() for name in image.names}
    for image in await context.database.reading(lambda session: copies_elsewhere(session, keep)):
        if excess <= 0:
            break
        size = await survey.bytes_of(image.image_id)
        if size and image.reference in names:
            why = f"{image.reason} The registry has it: a rollback would pull it."
            item = CleaningItem(ENGINE_IMAGE, image.reference, why, removable=True, app=image.app, bytes=size)
            found.append(Finding(item, _removal(survey, image, size)))
            excess -= size
    return found


def _removal(survey: Survey, image: KeptImage, size: int) -> Remove:
    async def remove() -> int | None:
        context, keep = survey.context, survey.context.settings.keep_releases
        if image not in await context.database.reading(lambda session: copies_elsewhere(session, keep)):
            return None
        await context.engine.remove_image(image.reference)
        return size

    return remove
