"""A real Caddy for one test, on ports of its own, with everything that it writes in one directory."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from slipyard.cli.up.listening import ListeningSockets
from slipyard.clients.caddy import Caddy, caddy_binary, caddy_command
from slipyard.domain.errors import Unavailable
from tests.engine.polling import until


@dataclass
class CaddyProcess:
    """`admin` is a short path: a unix socket's name has at most 107 bytes."""

    directory: Path
    admin: str
    sockets: ListeningSockets
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.sockets.open()
        first = self.directory / "first.json"
        first.write_text(json.dumps({"admin": {"listen": self.admin}}))
        command = caddy_command(caddy_binary(None), first)
        environment = {**os.environ, "XDG_CONFIG_HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory)}
        with (self.directory / "caddy.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, env=environment, stdout=log, stderr=log, preexec_fn=self.sockets.pass_on, close_fds=False
            )
        await until(self._answers)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _answers(self) -> bool:
        try:
            await Caddy(self.admin).config()
        except Unavailable:
            return False
        return True


@asynccontextmanager
async def caddy_process(directory: Path, ports: Mapping[int, int] | None = None) -> AsyncIterator[CaddyProcess]:
    """`ports` by the numbers of the inherited sockets that listen on them."""
    caddy = CaddyProcess(directory, f"unix/{directory}/admin.sock|0600", ListeningSockets(ports or {}))
    try:
        await caddy.start()
        yield caddy
    finally:
        await caddy.kill()
        caddy.sockets.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
