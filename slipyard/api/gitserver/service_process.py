"""One `git upload-pack` or `git receive-pack --stateless-rpc`: an argument list, a closed environment, no hooks."""

import asyncio
import os
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slipyard.clients.git_environment import local_environment
from slipyard.domain.errors import SystemFault

Service = Literal["git-upload-pack", "git-receive-pack"]
_CHUNK = 256 * 1024
_PROTOCOL = re.compile(r"version=[0-9](:[a-z0-9=.-]{1,64}){0,4}")

# Only branches and tags may be written; what is hidden is neither shown nor taken. The last match wins.
_RECEIVE_REFS = ("refs", "!refs/heads", "!refs/tags")
# Old histories have these flaws, and nothing of ours trips over them.
_FORGIVEN = ("zeroPaddedFilemode", "badTimezone", "missingSpaceBeforeDate", "missingEmail")


@dataclass(frozen=True)
class ServiceCall:
    service: Service
    repository: Path
    maximum_bytes: int
    protocol: str | None = None
    advertise: bool = False

    def arguments(self) -> list[str]:
        """Ends in the repository; whoever calls git has made sure that it is one of ours."""
        settings = self._receive_settings() if self.service == "git-receive-pack" else []
        options = [option for setting in settings for option in ("-c", setting)]
        advertise = ["--http-backend-info-refs"] if self.advertise else []
        return [*options, self.service.removeprefix("git-"), "--stateless-rpc", *advertise, str(self.repository)]

    def environment(self) -> dict[str, str]:
        environment = local_environment()
        if self.protocol and self.service == "git-upload-pack" and _PROTOCOL.fullmatch(self.protocol):
            environment["GIT_PROTOCOL"] = self.protocol
        return environment

    def _receive_settings(self) -> list[str]:
        return [
            f"receive.maxInputSize={self.maximum_bytes}",
            "receive.advertisePushOptions=true",
            "receive.autoGC=false",
            "receive.denyDeleteCurrent=ignore",
            *(f"receive.hideRefs={pattern}" for pattern in _RECEIVE_REFS),
            *(f"receive.fsck.{flaw}=ignore" for flaw in _FORGIVEN),
        ]


class ServiceProcess:
    """Fed and read at the same time. `stop` ends the whole group: git's children would go on without it."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, call: ServiceCall) -> "ServiceProcess":
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *call.arguments(),
                stdin=PIPE,
                stdout=PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=call.environment(),
                start_new_session=True,
                limit=_CHUNK,
            )
        except FileNotFoundError as error:
            raise SystemFault("There is no git on this machine. Install the package git.") from error
        return cls(process)

    async def feed(self, body: AsyncIterator[bytes]) -> None:
        """To the end of the body, also where git has stopped listening: then its answer says why."""
        pipe = self._process.stdin
        listening = pipe is not None
        async for chunk in body:
            if listening and pipe is not None:
                listening = await _written(pipe, chunk)
        if pipe is not None:
            pipe.close()

    async def output(self) -> AsyncIterator[bytes]:
        pipe = self._process.stdout
        while pipe is not None and (chunk := await pipe.read(_CHUNK)):
            yield chunk

    async def end(self) -> int:
        return await self._process.wait()

    async def stop(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await asyncio.shield(self._process.wait())


async def _written(pipe: asyncio.StreamWriter, chunk: bytes) -> bool:
    """uvloop refuses to write to what is closed already with a RuntimeError, even nothing: git may have answered and left."""
    if pipe.is_closing():
        return False
    try:
        pipe.write(chunk)
        await pipe.drain()
    except (BrokenPipeError, ConnectionResetError, RuntimeError):
        return False
    return True
