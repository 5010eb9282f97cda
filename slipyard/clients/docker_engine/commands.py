"""Commands that people run, and files that they copy."""

import asyncio
import os
import signal as signals
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from requests import Response

from slipyard.clients.container_commands import Terminal
from slipyard.clients.docker_engine.connection import Connection, StreamRequest
from slipyard.clients.docker_engine.hijack import Hijack, HijackedStream, hijack
from slipyard.clients.docker_engine.upload import upload
from slipyard.domain.errors import Conflict, NotFound, UserError

_PIECE = 64 * 1024


class Commands:
    """`ContainerCommands` on Docker Engine."""

    _connection: Connection

    async def attach(self, container_id: str, *, terminal: bool) -> HijackedStream:
        params = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
        path = await self._path(f"/containers/{container_id}/attach")
        return await self._hijack(Hijack(f"attach to the container {container_id}", path, terminal, params))

    async def execute_attached(
        self, container_id: str, command: Sequence[str], *, terminal: Terminal | None
    ) -> tuple[str, HijackedStream]:
        what = f"run a command in the container {container_id}"
        tty = terminal is not None
        made = await self._connection.call(
            what, lambda api: api.exec_create(container_id, list(command), stdin=True, tty=tty)
        )
        path = await self._path(f"/exec/{made['Id']}/start")
        stream = await self._hijack(Hijack(what, path, tty, body={"Detach": False, "Tty": tty}))
        if terminal is not None:
            await self.resize(container_id, terminal, made["Id"])
        return str(made["Id"]), stream

    async def resize(self, container_id: str, terminal: Terminal, execution_id: str | None = None) -> None:
        rows, columns = terminal.rows, terminal.columns
        with suppress(Conflict, NotFound, UserError):
            if execution_id is None:
                what = f"resize the terminal of {container_id}"
                await self._connection.call(what, lambda api: api.resize(container_id, rows, columns))
            else:
                what = f"resize the terminal of a command in {container_id}"
                await self._connection.call(what, lambda api: api.exec_resize(execution_id, rows, columns))

    async def execution_code(self, execution_id: str) -> int | None:
        facts = await self._connection.call("look at a command", lambda api: api.exec_inspect(execution_id))
        return None if facts["Running"] or facts["ExitCode"] is None else int(facts["ExitCode"])

    async def signal(self, container_id: str, name: str, execution_id: str | None = None) -> bool:
        if execution_id is not None:
            return await self._signal_beside(container_id, name, execution_id)
        with suppress(Conflict, NotFound):
            await self._connection.call(f"signal {container_id}", lambda api: api.kill(container_id, name))
        return True

    async def copy_out(self, container_id: str, path: str) -> AsyncGenerator[bytes, None]:
        what = f"copy {path} out of the container {container_id}"
        request = StreamRequest(what, "GET", f"/containers/{container_id}/archive", {"path": path})
        async for piece in self._connection.stream(request, _pieces):
            yield piece

    async def copy_in(self, container_id: str, path: str, content: AsyncIterator[bytes]) -> None:
        what = f"copy into {path} of the container {container_id}"

        async def send(pieces: Iterator[bytes]) -> None:
            await self._connection.call(what, lambda api: api.put_archive(container_id, path, pieces), patient=True)

        await upload(content, send)

    async def _signal_beside(self, container_id: str, name: str, execution_id: str) -> bool:
        facts = await self._connection.call("look at a command", lambda api: api.exec_inspect(execution_id))
        if not facts["Running"]:
            return True
        number = getattr(signals, f"SIG{name}")
        return await asyncio.to_thread(_signal_process, int(facts["Pid"] or 0), container_id, number)

    async def _hijack(self, asked: Hijack) -> HijackedStream:
        return await hijack(self._connection.docker_host, asked)

    async def _path(self, path: str) -> str:
        client = await asyncio.to_thread(self._connection.client)
        return f"/v{client.api_version}{path}"


def _signal_process(pid: int, container_id: str, number: int) -> bool:
    """Only where the process is one of that container, as the kernel says: the engine may count processes elsewhere."""
    try:
        inside = container_id in Path(f"/proc/{pid}/cgroup").read_text()
        if pid <= 1 or not inside:
            return False
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return True


def _pieces(response: Response) -> Iterator[bytes]:
    yield from response.iter_content(_PIECE)
