"""Removing from the container engine what carries this installation's label."""

from collections.abc import Sequence
from typing import Any

from slipyard.clients.docker_engine.connection import Connection
from slipyard.domain.errors import Conflict, NotFound

_LABEL = "slipyard.installation"


async def remove_from_engine(docker_host: str, installation_id: str) -> str:
    """A sentence with what was removed. `Unavailable` where the engine does not answer: nothing else is removed then."""
    connection = Connection(docker_host)
    label = {"label": [f"{_LABEL}={installation_id}"]}
    try:
        containers = await _listed(connection, "containers", lambda api: api.containers(all=True, filters=label))
        for row in containers:
            await _gone(connection, row["Id"], lambda api, name: api.remove_container(name, force=True, v=True))
        networks = await _listed(connection, "networks", lambda api: api.networks(filters=label))
        for row in networks:
            await _gone(connection, row["Id"], lambda api, name: api.remove_network(name))
        images = await _listed(connection, "images", lambda api: api.images(filters=label))
        for name in _names(images):
            await _gone(connection, name, lambda api, name: api.remove_image(name))
        volumes = await _listed(connection, "volumes", lambda api: api.volumes(filters=label)["Volumes"] or [])
        for row in volumes:
            await _gone(connection, row["Name"], lambda api, name: api.remove_volume(name, force=True))
    finally:
        connection.close()
    counts = ((containers, "containers"), (networks, "networks"), (images, "images"), (volumes, "volumes"))
    return ", ".join(f"{len(rows)} {noun}" for rows, noun in counts) + " removed"


async def _listed(connection: Connection, what: str, call: Any) -> Sequence[dict[str, Any]]:
    rows: Sequence[dict[str, Any]] = await connection.call(f"list {what}", call, patient=True)
    return rows


async def _gone(connection: Connection, name: str, call: Any) -> None:
    """Gone already is done; an image that another tag or container still needs stays."""
    try:
        await connection.call(f"remove {name}", lambda api: call(api, name), patient=True)
    except (NotFound, Conflict):
        return


def _names(images: Sequence[dict[str, Any]]) -> list[str]:
    """Every tag, so that the last one takes the image along; an image without one goes by its id."""
    return [name for row in images for name in (_tags(row) or [row["Id"]])]


def _tags(row: dict[str, Any]) -> list[str]:
    return [tag for tag in row.get("RepoTags") or [] if tag != "<none>:<none>"]
