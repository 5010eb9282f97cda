"""What no release needs any more goes from the disk: images, trees, contexts and logs. Rollback targets stay."""

import asyncio
import time
from collections.abc import Set as AbstractSet
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.store.kept_output import KeptOutput
from slipyard.store.prune_pushes import prune_pushes
from slipyard.store.pruning import (
    prune_checks,
    prune_deliveries,
    prune_delivery_bodies,
    prune_job_tokens,
    prune_kept_answers,
    prune_login_links,
    prune_messages,
)
from slipyard.store.queries.measured import app_ids_there
from slipyard.store.queries.retention import (
    UnneededImage,
    build_logs_to_keep,
    deployment_logs_to_keep,
    let_image_go,
    snapshots_to_keep,
    unneeded_images,
)
from slipyard.store.series.files import SeriesFiles

_YOUNG_SECONDS = 3600.0  # what is being written now is in no row yet
_log = structlog.get_logger()


async def clean_up_old(context: Context) -> None:
    """One pass. An image is written off before it is removed, so that no build reuses what is about to go."""
    keep = context.settings.keep_releases
    for image in await context.database.reading(lambda session: unneeded_images(session, keep)):
        await _remove_image(context, image)
    await _remove_files(context, keep)
    there = await context.database.reading(app_ids_there)
    await asyncio.to_thread(SeriesFiles(context.layout.metrics).prune, there)
    await asyncio.to_thread(KeptOutput(context.layout.kept_output).prune, there)
    await _prune_rows(context)


async def _prune_rows(context: Context) -> None:
    """Each in a transaction of its own: nobody waits long."""
    now, settings = context.clock.now(), context.settings
    kept = timedelta(days=settings.keep_deliveries_days)
    for prune in (
        partial(prune_deliveries, now=now, kept=kept),
        partial(prune_pushes, now=now, kept=kept),
        partial(prune_delivery_bodies, most_bytes=settings.max_delivery_bytes),
        partial(prune_checks, now=now),
        partial(prune_job_tokens, now=now),
        partial(prune_kept_answers, now=now),
        partial(prune_login_links, now=now),
        partial(prune_messages, now=now),
    ):
        await context.database.writing(prune)


async def _remove_image(context: Context, image: UnneededImage) -> None:
    keep, now = context.settings.keep_releases, context.clock.now()
    if not await context.database.writing(lambda session: let_image_go(session, image, keep, now)):
        return
    try:
        await context.engine.remove_image(image.reference)
        if image.manifest_digest is not None and not image.shared:
            await context.registry.delete(image.reference, context.registry_home.credentials)
    except SlipyardError as error:
        _log.warning("image_not_removed", reference=image.reference, error=error.message)


async def _remove_files(context: Context, keep: int) -> None:
    layout = context.layout
    trees = await context.database.reading(lambda session: snapshots_to_keep(session, keep))
    builds = await context.database.reading(lambda session: build_logs_to_keep(session, keep))
    deployments = await context.database.reading(deployment_logs_to_keep)
    await asyncio.to_thread(_keep_only, layout.snapshots, {digest.removeprefix("sha256:") for digest in trees})
    await asyncio.to_thread(_keep_only, layout.contexts, set())
    await asyncio.to_thread(_keep_only, layout.build_log("x").parent, builds)
    await asyncio.to_thread(_keep_only, layout.deployment_log("x").parent, deployments)


def _keep_only(directory: Path, stems: AbstractSet[str]) -> None:
    """By the clock of the files: only what nobody has touched for an hour."""
    oldest = time.time() - _YOUNG_SECONDS
    for path in directory.glob("*") if directory.exists() else ():
        if path.is_file() and path.stem not in stems and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
