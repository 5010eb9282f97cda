"""Everything that cleaning looks at, in the order in which it goes, and one pass over it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from slipyard.domain.cleaning import CleaningItem, DiskUse
from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.cleaning.built_images import look_at_built_images
from slipyard.pipeline.cleaning.disk_use import disk_use
from slipyard.pipeline.cleaning.engine_images import look_at_engine_images
from slipyard.pipeline.cleaning.files import look_at_files
from slipyard.pipeline.cleaning.finding import Finding, Look
from slipyard.pipeline.cleaning.hold_share import feel_pressure, hold_share
from slipyard.pipeline.cleaning.left_behind import look_at_networks, look_at_paused, look_at_repositories_of_git
from slipyard.pipeline.cleaning.registry import look_at_blobs, look_at_manifests, look_at_repositories
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.pipeline.context import Context

# Blobs after what names them, and repositories after their blobs' links.
LOOKS: Sequence[Look] = (
    look_at_built_images,
    look_at_engine_images,
    look_at_manifests,
    look_at_blobs,
    look_at_repositories,
    look_at_files,
    look_at_repositories_of_git,
    look_at_networks,
    look_at_paused,
)
_log = structlog.get_logger()


@dataclass(frozen=True)
class Cleaning:
    """`removed` what went, with the bytes that it freed; `kept` what stays; `troubles` what could not be looked at or
    removed, in sentences."""

    removed: list[CleaningItem] = field(default_factory=list)
    kept: list[CleaningItem] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    disk: DiskUse | None = None


async def plan_cleaning(context: Context) -> Cleaning:
    """What a pass would do now, and nothing is done. Exact, so it may take seconds."""
    survey, plan = Survey(context, exact=True), Cleaning()
    for look in LOOKS:
        for finding in await _look(look, survey, plan):
            (plan.kept if finding.remove is None else plan.removed).append(finding.item)
    return await _with_pressure(survey, plan)


async def clean(context: Context, *, exact: bool = False) -> Cleaning:
    """One pass. What fails is said, and is tried again by the next one."""
    survey, done = Survey(context, exact=exact), Cleaning()
    for look in LOOKS:
        for finding in await _look(look, survey, done):
            await carry_out(finding, done)
    for finding in await _look(hold_share, survey, done):
        await carry_out(finding, done)
    return await _with_disk(survey, done) if exact else done


async def carry_out(finding: Finding, done: Cleaning) -> None:
    if finding.remove is None:
        done.kept.append(finding.item)
        return
    try:
        freed = await finding.remove()
    except SlipyardError as error:
        _log.warning("not_removed", kind=finding.item.kind, name=finding.item.name, error=error.message)
        done.troubles.append(f"{finding.item.kind} {finding.item.name}: {error.message}")
        return
    if freed is None:
        done.kept.append(replace(finding.item, removable=False, reason="Something has come to need it."))
    else:
        done.removed.append(replace(finding.item, bytes=freed))


async def _look(look: Look, survey: Survey, done: Cleaning) -> list[Finding]:
    """One part that is away keeps nobody from cleaning the others."""
    try:
        return await look(survey)
    except SlipyardError as error:
        _log.warning("not_looked_at", look=look.__name__, error=error.message)
        done.troubles.append(error.message)
        return []


async def _with_disk(survey: Survey, done: Cleaning) -> Cleaning:
    try:
        return replace(done, disk=await disk_use(survey.again()))
    except SlipyardError as error:
        return replace(done, troubles=[*done.troubles, error.message])


async def _with_pressure(survey: Survey, plan: Cleaning) -> Cleaning:
    try:
        pressure = await feel_pressure(survey)
    except SlipyardError as error:
        return replace(plan, troubles=[*plan.troubles, error.message])
    plan.removed.extend(finding.item for finding in pressure.findings)
    return replace(plan, troubles=[*plan.troubles, *filter(None, [pressure.sentence])], disk=pressure.use)
