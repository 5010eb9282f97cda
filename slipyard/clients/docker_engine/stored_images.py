"""Images that the engine keeps, and what of its disk each of them alone takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipyard.clients.container_engine import StoredImage
from slipyard.clients.docker_engine.connection import Connection
from slipyard.clients.docker_engine.labels import label_filter

_NO_NAME = "<none>:<none>"


class StoredImages:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def stored_images(self, labels: Mapping[str, str]) -> Sequence[StoredImage]:
        filters = {"label": label_filter(labels)}
        rows = await self._connection.call("list images", lambda api: api.images(filters=filters))
        return [_stored(row) for row in rows]

    async def image_bytes(self) -> Mapping[str, int]:
        """The engine counts shared layers for this, and all of the build cache too: seconds on a busy machine."""
        found = await self._connection.call("count its disk", _images_of_disk, patient=True)
        return {row["Id"]: max(0, row["Size"] - max(0, row["SharedSize"])) for row in found.get("Images") or ()}

    async def data_root(self) -> str:
        facts = await self._connection.call("say where its data lies", lambda api: api.info())
        return str(facts.get("DockerRootDir") or "")


def _images_of_disk(api: Any) -> Any:
    """Engines from 23.0 on (API 1.42) count what they are asked for, older ones everything."""
    return api._result(api._get(api._url("/system/df"), params={"type": "image"}), True)  # noqa: SLF001 - the SDK's `df` takes no parameters


def _stored(row: Mapping[str, Any]) -> StoredImage:
    names = tuple(name for name in row.get("RepoTags") or () if name != _NO_NAME)
    return StoredImage(row["Id"], names, dict(row.get("Labels") or {}), int(row["Size"]))
