"""What nothing needs any more goes: images, registry, trees and logs (`cleaning/`), and rows. Ways back stay."""

import asyncio
from datetime import timedelta
from functools import partial

from slipyard.pipeline.cleaning.clean import clean
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
from slipyard.store.queries.schedules import schedule_ids
from slipyard.store.series.files import SeriesFiles


async def clean_up_old(context: Context) -> None:
    """One pass."""
    await clean(context)
    there = await context.database.reading(app_ids_there)
    await asyncio.to_thread(SeriesFiles(context.layout.metrics).prune, there)
    await asyncio.to_thread(KeptOutput(context.layout.kept_output).prune, there)
    schedules = await context.database.reading(schedule_ids)
    await asyncio.to_thread(KeptOutput(context.layout.schedule_output).prune, schedules)
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
