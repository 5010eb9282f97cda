"""What every part would do first, done once before the fork: what that leaves in memory is then shared, not made by each."""

import asyncio
import contextlib

from sqlalchemy.orm import configure_mappers
from sqlmodel import select

from slipyard.domain.errors import SlipyardError
from slipyard.domain.settings import Settings
from slipyard.pipeline.assemble import assemble
from slipyard.store.installation import Installation, load_installation
from slipyard.store.tables import App, Instance


def rehearse(settings: Settings) -> None:
    """Leaves no thread and no open connection behind. 10 MiB less for each part."""
    configure_mappers()
    installation = load_installation(settings)
    try:
        asyncio.run(_rehearse(installation))
    finally:
        installation.close()


async def _rehearse(installation: Installation) -> None:
    context = await assemble(installation)
    await context.database.reading(lambda session: [session.exec(select(table)).first() for table in (App, Instance)])
    with contextlib.suppress(SlipyardError):
        await context.router.in_flight(["127.0.0.1:1"])
