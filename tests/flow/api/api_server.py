"""The real HTTP server on a loopback port, over a system on fakes whose workers work as they are woken."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import uvicorn

from slipyard.api.application import create_application
from slipyard.pipeline.context import Context
from slipyard.store.tokens import new_token
from tests.flow.system import System

DEADLINE_SECONDS = 20
# Nothing here is encrypted, and each client would read the certificates of the machine for itself.
ONE_FOR_ALL = ssl.create_default_context()


class ApiServer:
    """`client` is the administrator; `token(...)` makes others."""

    def __init__(self, system: System, context: Context, url: str) -> None:
        self.system, self.context, self.url = system, context, url
        self.secret = context.layout.admin_token.read_text().strip()
        self.client = self.client_of(self.secret)

    def token(self, *scopes: str, name: str = "ci", organization_id: str | None = None) -> str:
        owner = organization_id or self.system.actor.organization_id
        with self.context.database.write() as session:
            return new_token(session, owner, name, list(scopes), self.context.clock.now())[1]

    def client_of(self, secret: str | None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=DEADLINE_SECONDS, verify=ONE_FOR_ALL)

    def remote(self, slug: str, secret: str | None = None) -> str:
        return f"{self.url.replace('://', f'://git:{secret or self.secret}@')}/git/{slug}.git"


@asynccontextmanager
async def serving(system: System, context: Context | None = None, *, working: bool = True) -> AsyncIterator[ApiServer]:
    context = context or system.context
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(create_application(context), log_level="error", lifespan="off"))
    tasks = [asyncio.create_task(server.serve([listener]))]
    if working:
        tasks.append(asyncio.create_task(_working(system)))
    await until(lambda: _now(server.started))
    api = ApiServer(system, context, f"http://127.0.0.1:{listener.getsockname()[1]}")
    try:
        yield api
    finally:
        await api.client.aclose()
        server.over.set()
        for task in tasks[1:]:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


class _Server(uvicorn.Server):
    """Ends when it is told to, without the tick and the tenth of a second that uvicorn waits for: hundreds of tests would."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = asyncio.Event()

    async def main_loop(self) -> None:
        await self.over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := set(self.server_state.tasks):
            for late in (await asyncio.wait(tasks, timeout=1))[1]:
                late.cancel()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Looks until it holds; fails at a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def _now(value: bool) -> bool:
    return value


async def _working(system: System) -> None:
    while True:
        await system.work()
        await asyncio.sleep(0.01)
