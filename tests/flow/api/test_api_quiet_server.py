"""The API's server ends at once when it is told to, though it looks only once a second."""

import asyncio
import os
import signal
from email.utils import parsedate_to_datetime

import httpx
import uvicorn

from slipyard.api.quiet_server import QuietServer


class CountingServer(QuietServer):
    ticks = 0

    async def on_tick(self, counter: int) -> bool:
        self.ticks += 1
        return await super().on_tick(counter)


async def hello(_scope, _receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def started(server: CountingServer) -> None:
    async with asyncio.timeout(10):
        while server.ticks == 0:  # noqa: ASYNC110 - Uvicorn has no event for it
            await asyncio.sleep(0)


async def test_a_signal_ends_it_at_its_next_turn() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)  # Uvicorn raises it again for whoever had it before
    try:
        server = CountingServer(uvicorn.Config(hello, port=0, lifespan="off", log_level="critical"))
        serving = asyncio.create_task(server.serve())
        await started(server)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(10):
            await serving
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert server.ticks == 2, "one at the start, one because of the signal"


async def test_answers_say_when_they_were_given() -> None:
    server = CountingServer(uvicorn.Config(hello, port=0, lifespan="off", log_level="critical"))
    serving = asyncio.create_task(server.serve())
    await started(server)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
    assert parsedate_to_datetime(answer.headers["date"])
    server.handle_exit(signal.SIGINT, None)
    serving.cancel()
    await asyncio.wait({serving})
