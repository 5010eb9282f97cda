"""A polled commit is fetched before it is decided: nobody told its message and its files, and nobody waits for an answer."""

import asyncio
from contextlib import suppress

from slipyard.builder.git_source import fetch_commit
from slipyard.domain.errors import SlipyardError
from slipyard.domain.git_ref import branch_of
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import PushSeen
from slipyard.pipeline.sources.git_access import credential_for
from slipyard.store.tables import App

_SECONDS = 20.0  # other apps want to be looked at too; the build fetches what takes longer


async def fetch_polled(context: Context, push: PushSeen) -> None:
    """Where that fails or takes long the push is decided without: it deploys, and its build says what is wrong."""
    app, credential = await context.database.reading(
        lambda session: (
            found := session.get_one(App, push.app_id),
            credential_for(session, context.cipher, found),
        )
    )
    branch = branch_of(push.ref)
    if branch is None or not app.config.source.repo_url:
        return
    with suppress(SlipyardError, TimeoutError):
        async with asyncio.timeout(_SECONDS):
            await fetch_commit(
                context.git,
                context.layout.repository(app.id),
                app.config.source.repo_url,
                branch,
                credential=credential,
                allowed_networks=context.settings.allowed_networks,
            )
