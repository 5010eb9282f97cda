"""A real git client, run without blocking the server that it talks to."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.flow.repository import Repository

_CLOSED = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class GitOutcome:
    status: int
    text: str

    @property
    def remote_lines(self) -> list[str]:
        return [line.removeprefix("remote: ").rstrip() for line in self.text.splitlines() if line.startswith("remote:")]


async def git(directory: Path, *arguments: str) -> GitOutcome:
    process = await start_git(directory, *arguments)
    output, _ = await process.communicate()
    return GitOutcome(process.returncode or 0, output.decode())


async def start_git(directory: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=directory,
        env=os.environ | _CLOSED,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # git and its helper for HTTP, so that `interrupt` reaches both, as Ctrl-C does
    )


async def interrupt(process: asyncio.subprocess.Process) -> None:
    os.killpg(process.pid, signal.SIGINT)
    await process.wait()


async def push(repository: Repository, remote: str, *arguments: str) -> GitOutcome:
    return await git(repository.path, "push", remote, *(arguments or ("main",)))
