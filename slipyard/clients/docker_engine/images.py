"""Images: look, pull, tag, push, remove."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from docker.auth import encode_header

from slipyard.clients.container_engine import ImageFacts
from slipyard.clients.docker_engine.connection import Connection, StreamRequest
from slipyard.clients.docker_engine.failures import from_answer
from slipyard.clients.docker_engine.frames import json_lines
from slipyard.clients.docker_engine.references import registry_of, split_tag
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import NotFound, Unavailable

_MISSING = ("not found", "manifest unknown")


class Images:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def image(self, reference: str) -> ImageFacts | None:
        try:
            facts = await self._connection.call(
                f"inspect the image {reference}", lambda api: api.inspect_image(reference)
            )
        except NotFound:
            return None
        return image_facts(facts)

    async def pull(self, reference: str, credentials: Credentials | None = None) -> ImageFacts:
        repository, tag = split_tag(reference)
        what = f"pull {reference}"
        request = StreamRequest(
            what,
            "POST",
            "/images/create",
            {"fromImage": repository, "tag": tag},
            _registry_auth(reference, credentials),
        )
        await self._transfer(request)
        facts = await self.image(reference)
        if facts is None:
            raise Unavailable(f"The container engine stopped while it was asked to {what}. Try again.")
        return facts

    async def tag(self, image_id: str, reference: str) -> None:
        repository, tag = split_tag(reference)
        await self._connection.call(
            f"tag {image_id} as {reference}", lambda api: api.tag(image_id, repository, tag, force=True)
        )

    async def push(self, reference: str, credentials: Credentials | None = None) -> str:
        repository, tag = split_tag(reference)
        # The engine requires the header, and takes an empty one for a registry that asks for nothing.
        headers = _registry_auth(reference, credentials) or {"X-Registry-Auth": "e30="}
        request = StreamRequest(f"push {reference}", "POST", f"/images/{repository}/push", {"tag": tag}, headers)
        digest = await self._transfer(request)
        if digest is None:
            raise Unavailable(f"The container engine pushed {reference} and did not say its digest. Push it again.")
        return digest

    async def remove_image(self, reference: str) -> None:
        try:
            await self._connection.call(f"remove the image {reference}", lambda api: api.remove_image(reference))
        except NotFound:
            return

    async def _transfer(self, request: StreamRequest) -> str | None:
        """Reads progress to its end; the digest where the engine names one. Errors come in the stream, after a 200."""
        digest = None
        async with aclosing(self._connection.stream(request, json_lines)) as lines:
            async for line in lines:
                if "errorDetail" in line:
                    explanation = str(line["errorDetail"].get("message", line.get("error", "")))
                    raise from_answer(request.what, _status(explanation), explanation)
                digest = (line.get("aux") or {}).get("Digest") or digest
        return digest


def image_facts(facts: Mapping[str, Any]) -> ImageFacts:
    config = facts.get("Config") or {}
    return ImageFacts(
        image_id=facts["Id"],
        repo_digests=tuple(facts.get("RepoDigests") or ()),
        exposed_ports=tuple(sorted(_tcp_ports(config.get("ExposedPorts") or {}))),
        command=tuple(config.get("Entrypoint") or ()) + tuple(config.get("Cmd") or ()),
        stop_signal=config.get("StopSignal") or None,
        user=config.get("User") or "",
        health_command=_health_command((config.get("Healthcheck") or {}).get("Test") or ()),
    )


def _health_command(test: Sequence[str]) -> tuple[str, ...] | None:
    """`["CMD", program, ...]`, `["CMD-SHELL", line]`, or `["NONE"]` (Docker Engine API, HealthConfig)."""
    match test:
        case ["CMD", *arguments] if arguments:
            return tuple(arguments)
        case ["CMD-SHELL", line]:
            return ("/bin/sh", "-c", line)
    return None


def _tcp_ports(exposed: Mapping[str, Any]) -> list[int]:
    ports = (name.partition("/") for name in exposed)
    return [int(number) for number, _, protocol in ports if protocol in {"", "tcp"}]


def _registry_auth(reference: str, credentials: Credentials | None) -> dict[str, str]:
    if credentials is None:
        return {}
    server = registry_of(reference)
    login = {"username": credentials.username, "password": credentials.password, "serveraddress": server}
    return {"X-Registry-Auth": encode_header(login).decode()}


def _status(explanation: str) -> int:
    """An error in the stream has no status of its own."""
    return 404 if any(words in explanation.lower() for words in _MISSING) else 500
