"""What differs between a container and its specification, and what the engine can put right without making it anew."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from docker.errors import APIError, ImageNotFound
from docker.errors import NotFound as EngineNotFound

from slipyard.clients.container_engine import ContainerSpec
from slipyard.clients.docker_engine.connection import Connection, StreamRequest
from slipyard.clients.docker_engine.container_body import container_body, limits_body
from slipyard.clients.docker_engine.container_fields import found_fields, wanted_fields
from slipyard.domain.drift import Difference, differences


class Repairs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def drift(self, container_id: str, spec: ContainerSpec, *, keep: bool) -> Sequence[Difference]:
        what = f"inspect the container {container_id}"
        return await self._connection.call(what, partial(_drift, container_id, spec, keep))

    async def limit(self, container_id: str, spec: ContainerSpec) -> None:
        what = f"change the limits of {container_id}"
        request = StreamRequest(what, "POST", f"/containers/{container_id}/update", body=limits_body(spec))
        await self._connection.call(what, lambda api: Connection.open(api, request).close())

    async def rename(self, container_id: str, name: str) -> None:
        await self._connection.call(
            f"rename the container {container_id} to {name}", lambda api: api.rename(container_id, name)
        )

    async def connect(self, container_id: str, spec: ContainerSpec) -> None:
        await self._connection.call(
            f"connect the container {container_id} to {spec.network}", partial(_connect, container_id, spec)
        )

    async def disconnect(self, container_id: str, network: str) -> None:
        await self._connection.call(
            f"disconnect the container {container_id} from {network}",
            lambda api: _disconnect(api, container_id, network),
        )


def _drift(container_id: str, spec: ContainerSpec, keep: bool, api: Any) -> list[Difference]:
    facts, body = api.inspect_container(container_id), container_body(spec)
    image = _image(api, facts["Image"])
    return differences(wanted_fields(spec.name, body, image, keep=keep), found_fields(facts, body, image, keep=keep))


def _image(api: Any, image_id: str) -> Mapping[str, Any]:
    """The config of an image that may be gone although its container runs."""
    try:
        return {key: value for key, value in api.inspect_image(image_id)["Config"].items() if value is not None}
    except (ImageNotFound, EngineNotFound):
        return {}


def _connect(container_id: str, spec: ContainerSpec, api: Any) -> None:
    """To its network with its address, and to no other. An endpoint with another address, or of a network that was
    made anew, is replaced."""
    networks = api.inspect_container(container_id)["NetworkSettings"]["Networks"]
    for name in networks:
        _disconnect(api, container_id, name)
    api.connect_container_to_network(container_id, spec.network, ipv4_address=spec.address, aliases=list(spec.aliases))


def _disconnect(api: Any, container_id: str, network: str) -> None:
    """What is not connected any more, or to what is not there any more, is done."""
    try:
        api.disconnect_container_from_network(container_id, network, force=True)
    except EngineNotFound:
        return
    except APIError as error:
        if "is not connected" not in str(error):
            raise
