"""One git process: an argument list, a closed environment, a deadline, capped output, and a group that dies together."""

import asyncio
import os
import resource
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from slipyard.domain.errors import SystemFault, Unavailable

_MIB = 1024 * 1024
_ERROR_BYTES = 64 * 1024
_CHUNK = 256 * 1024
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class GitLimits:
    """`seconds` for one process, `output_bytes` of what it may answer, `file_bytes` of the largest file it may write."""

    seconds: float = 600.0
    output_bytes: int = 64 * _MIB
    file_bytes: int = 4096 * _MIB


@dataclass(frozen=True)
class GitAnswer:
    status: int
    output: bytes
    error: str


async def run_git(arguments: Sequence[str], environment: Mapping[str, str], limits: GitLimits) -> GitAnswer:
    """Runs to the end whatever the exit status. `Unavailable` at the deadline, `SystemFault` where output overflows.

    Cancelling kills git and everything that it started.
    """
    try:
        async with asyncio.timeout(limits.seconds), _started(arguments, environment, limits) as process:
            reading = _read(_pipe(process.stdout), limits.output_bytes)
            output, error = await asyncio.gather(reading, _tail(_pipe(process.stderr)))
            return GitAnswer(await process.wait(), output, error)
    except TimeoutError as error:
        raise Unavailable(f"git {arguments[0]} took more than {limits.seconds:g} s and was stopped.") from error


async def stream_git(
    arguments: Sequence[str], environment: Mapping[str, str], limits: GitLimits
) -> AsyncIterator[bytes]:
    """What git writes, as it comes, without a cap: the reader keeps one. `SystemFault` where git fails in the end."""
    async with _started(arguments, environment, limits) as process:
        errors = asyncio.create_task(_tail(_pipe(process.stderr)))
        try:
            async with asyncio.timeout(limits.seconds):
                while chunk := await _pipe(process.stdout).read(_CHUNK):
                    yield chunk
                status, error = await process.wait(), await errors
        except TimeoutError as late:
            raise Unavailable(f"git {arguments[0]} took more than {limits.seconds:g} s and was stopped.") from late
        finally:
            errors.cancel()
    if status:
        raise SystemFault(f"git {arguments[0]} ended with status {status}: {error}")


@asynccontextmanager
async def _started(
    arguments: Sequence[str], environment: Mapping[str, str], limits: GitLimits
) -> AsyncIterator[Process]:
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
            start_new_session=True,
            limit=_CHUNK,
        )
    except FileNotFoundError as error:
        raise SystemFault("There is no git on this machine. Install the package git.") from error
    try:
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """The whole group: a fetch has children that would go on without their parent. Asked first, git drops its locks."""
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(process.wait()), _GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _read(pipe: asyncio.StreamReader, maximum: int) -> bytes:
    kept = bytearray()
    while chunk := await pipe.read(_CHUNK):
        kept += chunk
        if len(kept) > maximum:
            raise SystemFault(f"git answered more than {maximum} bytes and was stopped.")
    return bytes(kept)


async def _tail(pipe: asyncio.StreamReader) -> str:
    """The last part of what git and the other side said, without control characters."""
    kept = b""
    while chunk := await pipe.read(_CHUNK):
        kept = (kept + chunk)[-_ERROR_BYTES:]
    text = kept.decode(errors="replace").replace("\r", "\n")
    return "\n".join("".join(sign for sign in line if sign.isprintable()) for line in text.splitlines() if line.strip())


def _pipe(reader: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if reader is None:  # never: both are asked for as pipes
        raise SystemFault("git was started without a pipe")
    return reader
