"""The door to the host's packet filter: `iptables`, by argument lists, waiting for its lock."""

import asyncio
import os
import shutil
from collections.abc import Sequence

from slipyard.domain.errors import Unavailable

_LOCK_SECONDS = 10


def reason_against() -> str | None:
    """Why the filter cannot be changed here, or None."""
    if shutil.which("iptables") is None or shutil.which("iptables-restore") is None:
        return "iptables is not installed: install the package iptables"
    if os.geteuid() != 0:
        return "changing the packet filter needs root: run Slipyard as root, or let root run `slipyard doctor`"
    return None


async def succeeds(*arguments: str) -> bool:
    """For questions: does the chain, or the rule, exist?"""
    status, _, _ = await _run("iptables", arguments, b"")
    return status == 0


async def rules(chain: str | None = None) -> list[list[str]]:
    """What `iptables -S` lists, of one chain or of all: `["-A", chain, ...]`, just as it would be written to make them.
    Empty where there is no such chain."""
    status, said, _ = await _run("iptables", ("-S", *([chain] if chain else [])), b"")
    return [line.split() for line in said.splitlines()] if status == 0 else []


async def change(*arguments: str) -> None:
    """Raises `Unavailable` with what iptables said."""
    await _must("iptables", arguments, b"")


async def restore(lines: Sequence[str]) -> None:
    """Replaces the chains that the lines declare, all at once, and touches no other."""
    await _must("iptables-restore", ("--noflush",), "".join(f"{line}\n" for line in lines).encode())


async def _must(program: str, arguments: Sequence[str], given: bytes) -> None:
    status, _, said = await _run(program, arguments, given)
    if status != 0:
        raise Unavailable(
            f"The packet filter refused {program} {' '.join(arguments)}: {said.strip()[:500]}. "
            "Apps are not shut off from the host and from each other; `slipyard doctor` lists what is missing."
        )


async def _run(program: str, arguments: Sequence[str], given: bytes) -> tuple[int, str, str]:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "--wait",
            str(_LOCK_SECONDS),
            *arguments,
            stdin=pipe if given else nothing,
            stdout=pipe,
            stderr=pipe,
        )
    except OSError as error:
        raise Unavailable(f"{program} could not be run: {error}. Install the package iptables.") from error
    output, complaint = await process.communicate(given or None)
    return process.returncode or 0, output.decode(errors="replace"), complaint.decode(errors="replace")
