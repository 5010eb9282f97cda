"""Is the new instance ready? Asked from the first millisecond on, raced with its exit, given up at its deadline."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from slipyard.clients.container_engine import ContainerEngine, ContainerState
from slipyard.deployer.listeners import advice, listeners
from slipyard.deployer.probes import Probe
from slipyard.domain.clock import Clock
from slipyard.domain.errors import Conflict, NotFound, RolloutFailed, SlipyardError
from slipyard.domain.health import HealthCheck, HealthType, arguments

FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.25  # seconds
# An app that answers sooner than this costs the engine no further question.
_SELDOM_DEAD_BEFORE = 0.02
# What nobody can probe counts as ready when it did not die in its first second.
_SETTLED_AFTER = 1.0
_TAIL_LINES = 20
# As shells and init programs use them.
_MEANINGS = {
    126: " (its command cannot be executed)",
    127: " (its command was not found in the image)",
    137: " (killed by signal 9, most often for lack of memory)",
}


@dataclass(frozen=True)
class Candidate:
    """`port` None: a worker, which nothing can ask."""

    container_id: str
    service: str
    address: str
    port: int | None
    check: HealthCheck


class Readiness:
    def __init__(self, engine: ContainerEngine, clock: Clock, probe: Probe) -> None:
        self._engine = engine
        self._clock = clock
        self._probe = probe

    async def ask(self, candidate: Candidate) -> str | None:
        """Once; None is a good answer, a text is the complaint. What the router dials must accept connections
        also where a command decides."""
        check = candidate.check
        if candidate.port is not None:
            complaint = await self._probe(candidate.address, candidate.port, check)
            if complaint is not None or check.kind is not HealthType.COMMAND:
                return complaint
        if check.command is None:
            return None
        return await self._execute(candidate.container_id, arguments(check.command), check.timeout)

    async def wait(self, candidate: Candidate) -> None:
        """Returns at the first good answer, else raises `RolloutFailed` with the reason and the last log lines."""
        started = self._clock.monotonic()
        ready = asyncio.create_task(self._ready(candidate, started))
        gone = asyncio.create_task(self._gone(candidate))
        try:
            await asyncio.wait({ready, gone}, return_when=asyncio.FIRST_COMPLETED)
            complaint = ready.result() if ready.done() else await self._epitaph(candidate, gone.result(), started)
        finally:
            await _cancel(ready, gone)
        if complaint is not None:
            raise RolloutFailed(complaint, log_tail=await self._tail(candidate.container_id))

    async def _ready(self, candidate: Candidate, started: float) -> str | None:
        check = candidate.check
        if check.kind is HealthType.COMMAND and check.command is None:
            return (
                f"The health check of {candidate.service} is a command, and there is none: give health_check.command, "
                "or a HEALTHCHECK in the image."
            )
        if candidate.port is None and check.kind is not HealthType.COMMAND:
            await self._clock.sleep(_SETTLED_AFTER)
            return None
        return await self._asked(candidate, started)

    async def _asked(self, candidate: Candidate, started: float) -> str | None:
        deadline = started + candidate.check.start_period
        pause = FIRST_PAUSE
        while (complaint := await self.ask(candidate)) is not None:
            if self._clock.monotonic() + pause > deadline:
                return await self._late(candidate, complaint)
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        return None

    async def _execute(self, container_id: str, command: Sequence[str], seconds: float) -> str | None:
        try:
            async with asyncio.timeout(seconds):
                result = await self._engine.execute(container_id, command)
        except TimeoutError:
            return f"did not end its health command within {seconds:g} s"
        except (Conflict, NotFound):
            return "did not run"
        if result.exit_code == 0:
            return None
        said = f": {result.last_line}" if result.last_line else ""
        return f"failed its health command with exit code {result.exit_code}{said}"

    async def _gone(self, candidate: Candidate) -> int:
        await self._clock.sleep(_SELDOM_DEAD_BEFORE)
        return await self._engine.wait(candidate.container_id)

    async def _late(self, candidate: Candidate, complaint: str) -> str:
        waited = f"The {candidate.service} instance was not ready within {candidate.check.start_period:g} s"
        port = candidate.port
        if port is None or not complaint.startswith("did not answer"):
            return f"{waited}: it {complaint}. Make its health check succeed, or change the check."
        state = await self._engine.container(candidate.container_id)
        found = await asyncio.to_thread(listeners, state.pid) if state and state.pid else None
        return f"{waited}: it {complaint} on port {port}: {advice(port, found)}."

    async def _epitaph(self, candidate: Candidate, exit_code: int, started: float) -> str:
        after = self._clock.monotonic() - started
        state = await self._engine.container(candidate.container_id)
        return epitaph(candidate.service, exit_code, after, state)

    async def _tail(self, container_id: str) -> list[str]:
        """The output is a help, and never the reason to fail."""
        try:
            async with aclosing(self._engine.logs(container_id, tail=_TAIL_LINES)) as lines:  # type: ignore[type-var]
                return [line.message async for line in lines]
        except SlipyardError as error:
            return [f"(the output could not be read: {error.message})"]


def epitaph(service: str, exit_code: int, after: float, state: ContainerState | None) -> str:
    if state is None:
        return f"The {service} instance was removed after {after:.1f} s, before it was ready. Deploy again."
    if state.out_of_memory:
        return (
            f"The {service} instance ran out of memory after {after:.1f} s and was killed. "
            "Raise its memory, or make it use less."
        )
    meaning = _MEANINGS.get(exit_code, "")
    return (
        f"The {service} instance exited with code {exit_code}{meaning} after {after:.1f} s, before it was ready. "
        "Its last output says why; a service must go on running."
    )


async def _cancel(*tasks: asyncio.Task[str | None] | asyncio.Task[int]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
