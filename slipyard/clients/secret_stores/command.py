"""Secrets that a program prints, such as `pass show` or `op read`."""

import asyncio
import os
import signal
from contextlib import suppress

from slipyard.domain.errors import SecretRefused, Unavailable
from slipyard.domain.secret_store import MOST_SECRET_BYTES, CommandStore

_KEPT = ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR", "GNUPGHOME")  # nothing of ours besides


class CommandSecrets:
    """What the program says on its standard error is not read: it may well name the secret."""

    def __init__(self, settings: CommandStore) -> None:
        self._command = settings.command
        self._seconds = settings.seconds

    async def read(self, key: str) -> str:
        process = await self._started(key)
        try:
            async with asyncio.timeout(self._seconds):
                output = await _all_of(process)
                code = await process.wait()
        except TimeoutError:
            raise Unavailable(f"{self._command[0]} did not end within {self._seconds:g} s. Try it by hand.") from None
        finally:
            _end(process)
            await process.wait()
        return self._value(key, code, output)

    async def renew(self) -> None:
        pass

    async def _started(self, key: str) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                key,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"{self._command[0]} cannot be started: {error.strerror}. Is it installed?") from None

    def _value(self, key: str, code: int, output: bytes) -> str:
        if len(output) > MOST_SECRET_BYTES:
            raise SecretRefused(
                f"{self._command[0]} printed more than {MOST_SECRET_BYTES} bytes for {key}. Check the key."
            )
        if code != 0:
            raise SecretRefused(
                f"{self._command[0]} exited with code {code} for {key}. Check the key, and try it by hand."
            )
        try:
            return output.decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise SecretRefused(f"{self._command[0]} printed no text in UTF-8 for {key}.") from None


async def _all_of(process: asyncio.subprocess.Process) -> bytes:
    """One byte above the cap at the most; whatever more there is keeps the program waiting until it is ended."""
    output = b""
    while process.stdout is not None and len(output) <= MOST_SECRET_BYTES:
        part = await process.stdout.read(MOST_SECRET_BYTES + 1 - len(output))
        if not part:
            return output
        output += part
    _end(process)
    return output


def _end(process: asyncio.subprocess.Process) -> None:
    """With all that it started: the group is its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
