"""Where the router asks for a sleeping app: a socket beside the routes. All who ask for one app wait for one wake.

Asked again and again by the router while nobody listens, so a leader that dies delays visitors and turns nobody away.
"""

import asyncio
from http import HTTPStatus
from pathlib import Path

import structlog

from slipyard.deployer.caddy_pages import WAKING
from slipyard.deployer.router import RouteState
from slipyard.domain.errors import SlipyardError, UserError
from slipyard.domain.ids import is_id
from slipyard.pipeline.context import Context
from slipyard.pipeline.scale.wake_up import Woken, bring_back, settle_woken
from slipyard.store.tables import RouteRow

_PATIENCE_SECONDS = 60.0
_AGAIN_SECONDS = 5
_BACKLOG = 4096
_MOST_HEAD = 2 * 1024 * 1024  # a visitor's headers come along; the router takes no more than 1 MiB of them
_PATH = "/wake/"
_log = structlog.get_logger()


async def serve_waker(context: Context) -> None:
    """Until it is cancelled. What went wrong is tried again."""
    while True:
        try:
            await _serve(context)
        except OSError as error:
            _log.error("waker_does_not_listen", error=str(error))
        await context.clock.sleep(1.0)


async def _serve(context: Context) -> None:
    """The name changes hands by a rename: a leader before it loses nobody who asks at that moment."""
    path = context.layout.waker_socket
    draft = path.with_suffix(".new")
    await asyncio.to_thread(_make_way, draft)
    waker = Waker(context)
    server = await asyncio.start_unix_server(waker.connected, path=draft, backlog=_BACKLOG, limit=_MOST_HEAD)
    try:
        await asyncio.to_thread(draft.rename, path)
        await server.serve_forever()
    finally:
        server.close()
        waker.close()


def _make_way(draft: Path) -> None:
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)


class Waker:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._waking: dict[str, asyncio.Task[HTTPStatus]] = {}
        self._settling: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        for task in [*self._waking.values(), *self._settling]:
            task.cancel()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer: the router keeps no connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(await self.wake(_asked_for(head))))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone; the wake goes on
        finally:
            writer.close()

    async def wake(self, app_id: str) -> HTTPStatus:
        """NO_CONTENT once requests can go on to the app."""
        if not is_id(app_id, "app"):
            return HTTPStatus.NOT_FOUND
        task = self._waking.get(app_id)
        if task is None:
            task = self._waking[app_id] = asyncio.ensure_future(self._wake(app_id))
            task.add_done_callback(lambda _: self._waking.pop(app_id, None))
        try:
            return await asyncio.wait_for(asyncio.shield(task), _PATIENCE_SECONDS)
        except TimeoutError:
            return HTTPStatus.SERVICE_UNAVAILABLE

    async def _wake(self, app_id: str) -> HTTPStatus:
        try:
            woken = await bring_back(self._context, app_id, "a visitor came")
        except UserError as error:
            _log.info("app_not_woken", app_id=app_id, error=error.message)
            return HTTPStatus.SERVICE_UNAVAILABLE
        except SlipyardError as error:
            _log.warning("app_not_woken", app_id=app_id, error=error.message)
            return HTTPStatus.SERVICE_UNAVAILABLE
        if woken is not None:
            self._settle(woken)
        state = await self._state(app_id) if woken is None else woken.route.state
        return HTTPStatus.NO_CONTENT if state == RouteState.AWAKE else HTTPStatus.SERVICE_UNAVAILABLE

    async def _state(self, app_id: str) -> str | None:
        row = await self._context.database.reading(lambda session: session.get(RouteRow, app_id))
        return None if row is None else row.state

    def _settle(self, woken: Woken) -> None:
        task = asyncio.ensure_future(settle_woken(self._context, woken))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)


def _asked_for(head: bytes) -> str:
    target = head.partition(b"\r\n")[0].decode("latin-1").split(" ")[1:2]
    return target[0].partition("?")[0].removeprefix(_PATH) if target else ""


def _answer(status: HTTPStatus) -> bytes:
    body = b"" if status is HTTPStatus.NO_CONTENT else WAKING.encode()
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Connection: close"]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: text/html; charset=utf-8", "Cache-Control: no-store"]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append(f"Retry-After: {_AGAIN_SECONDS}")
    return "\r\n".join([*lines, "", ""]).encode() + body
