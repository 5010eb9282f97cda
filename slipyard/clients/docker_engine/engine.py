"""Docker Engine as a whole."""

from slipyard.clients.container_engine import EngineVersion
from slipyard.clients.docker_engine.commands import Commands
from slipyard.clients.docker_engine.connection import Connection
from slipyard.clients.docker_engine.containers import Containers
from slipyard.clients.docker_engine.events import Events
from slipyard.clients.docker_engine.images import Images
from slipyard.clients.docker_engine.networks import Networks
from slipyard.clients.docker_engine.repairs import Repairs
from slipyard.clients.docker_engine.stored_images import StoredImages
from slipyard.clients.docker_engine.volumes import Volumes

# The driver status that an engine shows where its images lie in containerd's content store.
_CONTAINERD_STORE = "io.containerd.snapshotter.v1"


class DockerEngine(Images, StoredImages, Networks, Volumes, Containers, Repairs, Events, Commands):
    """A `ContainerEngine`. Connects at its first call; `close` when the process ends. An answer that takes longer than
    `timeout_seconds` is none: pulls, pushes, output and events may take as long as they need."""

    def __init__(self, docker_host: str, timeout_seconds: int = 60) -> None:
        self._connection = Connection(docker_host, timeout_seconds)

    async def version(self) -> EngineVersion:
        facts = await self._connection.call("say its version", lambda api: api.info())
        api_version = self._connection.client().api_version
        status = dict(facts.get("DriverStatus") or ())
        return EngineVersion(facts["ServerVersion"], api_version, status.get("driver-type") == _CONTAINERD_STORE)

    def close(self) -> None:
        self._connection.close()
