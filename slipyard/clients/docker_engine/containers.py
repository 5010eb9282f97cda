"""Containers: create, start, stop, remove, look, read, wait."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Any

from docker.errors import APIError
from docker.utils import version_gte

from slipyard.clients.container_engine import CommandResult, ContainerSpec, ContainerState, LogLine
from slipyard.clients.docker_engine.connection import Connection, Operation, StreamRequest
from slipyard.clients.docker_engine.container_body import container_body
from slipyard.clients.docker_engine.container_state import inspected, listed, memory_held, usage_in
from slipyard.clients.docker_engine.followed_output import to_the_last_line
from slipyard.clients.docker_engine.frames import json_lines, last_line, log_lines
from slipyard.clients.docker_engine.labels import label_filter
from slipyard.domain.errors import Conflict, NotFound, SystemFault, Unavailable
from slipyard.domain.usage import Reading


class Containers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create_container(self, spec: ContainerSpec) -> str:
        body = container_body(spec)
        made = await self._connection.call(
            f"create the container {spec.name}", lambda api: api.create_container_from_config(body, spec.name)
        )
        return str(made["Id"])

    async def start(self, container_id: str) -> None:
        await self._connection.call(f"start the container {container_id}", lambda api: api.start(container_id))

    async def stop(self, container_id: str, grace_seconds: float) -> None:
        seconds = max(0, round(grace_seconds))
        await self._connection.call(
            f"stop the container {container_id}", lambda api: api.stop(container_id, timeout=seconds), patient=True
        )

    async def remove(self, container_id: str) -> None:
        try:
            await self._connection.call(
                f"remove the container {container_id}",
                lambda api: api.remove_container(container_id, v=True, force=True),
                patient=True,
            )
        except NotFound:
            return

    async def keep_running(self, container_id: str, *, keep: bool) -> None:
        policy = {"Name": "unless-stopped" if keep else "no"}
        await self._connection.call(
            f"change the restart policy of {container_id}",
            lambda api: api.update_container(container_id, restart_policy=policy),
        )

    async def pause(self, container_id: str) -> None:
        await self._unless_done(
            f"pause the container {container_id}", lambda api: api.pause(container_id), container_id, paused=True
        )

    async def unpause(self, container_id: str) -> None:
        await self._unless_done(
            f"resume the container {container_id}", lambda api: api.unpause(container_id), container_id, paused=False
        )

    async def memory(self, container_id: str) -> int | None:
        what = f"measure the memory of {container_id}"
        return await self._connection.call(what, partial(_memory, container_id))

    async def usage(self, container_id: str) -> Reading | None:
        what = f"measure the container {container_id}"
        return usage_in(await self._connection.call(what, partial(_stats, container_id), patient=True))

    async def container(self, name_or_id: str) -> ContainerState | None:
        try:
            facts = await self._connection.call(
                f"inspect the container {name_or_id}", lambda api: api.inspect_container(name_or_id)
            )
        except NotFound:
            return None
        return inspected(facts)

    async def containers(self, labels: Mapping[str, str]) -> Sequence[ContainerState]:
        filters = {"label": label_filter(labels)}
        return await self._connection.call(
            "list containers", lambda api: [listed(row) for row in api.containers(all=True, filters=filters)]
        )

    async def execute(self, container_id: str, command: Sequence[str]) -> CommandResult:
        what = f"run a command in the container {container_id}"
        made = await self._connection.call(what, lambda api: api.exec_create(container_id, list(command)))
        body = {"Detach": False, "Tty": False}
        request = StreamRequest(what, "POST", f"/exec/{made['Id']}/start", body=body)
        async with aclosing(self._connection.stream(request, last_line)) as lines:
            said = [line async for line in lines]
        facts = await self._connection.call(what, lambda api: api.exec_inspect(made["Id"]))
        if facts["ExitCode"] is None:
            raise Unavailable(f"The container engine went away while it was asked to {what}. Try again.")
        return CommandResult(int(facts["ExitCode"]), "".join(said))

    async def wait(self, container_id: str) -> int:
        path = f"/containers/{container_id}/wait"
        request = StreamRequest(f"wait for the container {container_id}", "POST", path)
        async with aclosing(self._connection.stream(request, json_lines)) as answers:
            async for answer in answers:
                return int(answer["StatusCode"])
        raise Unavailable(
            f"The container engine went away while it was asked how {container_id} ends. Start it and try again."
        )

    async def _unless_done(self, what: str, operation: Operation[None], container_id: str, *, paused: bool) -> None:
        """The engine refuses what is so already, and says it in words of its own: its state decides."""
        try:
            await self._connection.call(what, operation)
        except (Conflict, SystemFault):
            state = await self.container(container_id)
            if state is None or not state.running or state.paused is not paused:
                raise

    def logs(
        self, container_id: str, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> AsyncGenerator[LogLine, None]:
        if not follow:
            return self._output(container_id, tail, since, follow=False)
        followed = self._output(container_id, tail, since, follow=True)
        return to_the_last_line(
            followed, lambda last: self._output(container_id, None if last else tail, last or since, follow=False)
        )

    def _output(
        self, container_id: str, tail: int | None, since: datetime | None, *, follow: bool
    ) -> AsyncGenerator[LogLine, None]:
        params = {
            "stdout": 1,
            "stderr": 1,
            "timestamps": 1,
            "follow": int(follow),
            "tail": "all" if tail is None else tail,
            "since": f"{since.timestamp():.6f}" if since else 0,
        }
        request = StreamRequest(f"read the output of {container_id}", "GET", f"/containers/{container_id}/logs", params)
        return self._connection.stream(request, log_lines)


def _memory(container_id: str, api: Any) -> int | None:
    """An engine that may not read its control groups lists the processes all the same."""
    return memory_held(_stats(container_id, api)) or _resident(container_id, api)


def _stats(container_id: str, api: Any) -> Mapping[str, Any]:
    """Before API 1.41 the engine looks twice, two seconds apart."""
    once = {"one_shot": True} if version_gte(api.api_version, "1.41") else {}
    facts: Mapping[str, Any] = api.stats(container_id, stream=False, **once)
    return facts


def _resident(container_id: str, api: Any) -> int | None:
    try:
        table = api.top(container_id, ps_args="-eo pid,rss")
    except APIError:  # no `ps` where the engine runs
        return None
    return sum(int(row[1]) * 1024 for row in table["Processes"]) or None
