"""Waiting for what nothing announces: a condition, asked again and again up to a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 60


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - nothing could set an event
            await asyncio.sleep(0.01)
