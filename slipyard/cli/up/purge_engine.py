"""Removing from the container engine what carries this installation's label, or the name of one of its repositories."""

from collections.abc import Sequence
from typing import Any

from slipyard.clients.docker_engine.connection import Connection
from slipyard.domain.errors import Conflict, NotFound

_LABEL = "slipyard.installation"
_SECONDS = 60
Rows = Sequence[dict[str, Any]]


async def remove_from_engine(docker_host: str, installation_id: str, repositories: Sequence[str]) -> str:
    """A sentence with what was removed. `Unavailable` where the engine does not answer: nothing else is removed then."""
    connection = Connection(docker_host, _SECONDS)
    label = {"label": [f"{_LABEL}={installation_id}"]}
    try:
        containers = await _listed(connection, "containers", lambda api: api.containers(all=True, filters=label))
        for row in containers:
            await _gone(connection, row["Id"], lambda api, name: api.remove_container(name, force=True, v=True))
        networks = await _listed(connection, "networks", lambda api: api.networks(filters=label))
        for row in networks:
            await _gone(connection, row["Id"], lambda api, name: api.remove_network(name))
        found: Any = await connection.call("list volumes", lambda api: api.volumes(filters=label), patient=True)
        volumes = found["Volumes"] or []
        for row in volumes:
            await _gone(connection, row["Name"], lambda api, name: api.remove_volume(name))
        images = await _images(connection, label, repositories)
        for name in images:
            await _gone(connection, name, lambda api, name: api.remove_image(name))
    finally:
        connection.close()
    counts = f"{len(containers)} containers, {len(networks)} networks, {len(volumes)} volumes, {len(images)} images"
    return f"{counts} removed"


async def _images(connection: Connection, label: dict[str, list[str]], repositories: Sequence[str]) -> list[str]:
    """Every tag of ours, so that the last one takes the image along; an image without one goes by its id."""
    labelled = await _listed(connection, "images", lambda api: api.images(filters=label))
    names = [name for row in labelled for name in (_tags(row) or [row["Id"]])]
    everything = await _listed(connection, "images", lambda api: api.images())
    mine = tuple(f"{repository}:" for repository in repositories)
    tagged = [tag for row in everything for tag in _tags(row) if tag.startswith(mine)] if mine else []
    return list(dict.fromkeys([*names, *tagged]))


async def _listed(connection: Connection, what: str, call: Any) -> Rows:
    rows: Rows = await connection.call(f"list {what}", call, patient=True)
    return rows


async def _gone(connection: Connection, name: str, call: Any) -> None:
    """Gone already is done; an image that another tag or container still needs stays."""
    try:
        await connection.call(f"remove {name}", lambda api: call(api, name), patient=True)
    except (NotFound, Conflict):
        return


def _tags(row: dict[str, Any]) -> list[str]:
    return [tag for tag in row.get("RepoTags") or [] if tag != "<none>:<none>"]
