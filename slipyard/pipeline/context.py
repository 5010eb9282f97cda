"""Everything that a verb needs, handed over as one value: the doors, the store, the clock."""

from dataclasses import dataclass, field

from slipyard.builder.image_build import ImageBuilder
from slipyard.clients.container_engine import ContainerEngine
from slipyard.clients.git import Git
from slipyard.clients.registry import Registry
from slipyard.deployer.driver import Driver
from slipyard.deployer.router import Router
from slipyard.domain.clock import Clock
from slipyard.domain.credentials import Credentials
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.pipeline.healing.stirred import Stirred
from slipyard.pipeline.queue import WorkQueue
from slipyard.pipeline.rollout.close_networks import Close
from slipyard.store.cipher import Cipher
from slipyard.store.claims import Holder
from slipyard.store.database import Database


@dataclass(frozen=True)
class RegistryHome:
    """Where images of this installation are kept: host, path before the app's repository, and who we are there."""

    host: str
    prefix: str
    credentials: Credentials | None

    @property
    def by_host(self) -> dict[str, Credentials]:
        return {self.host: self.credentials} if self.credentials else {}


@dataclass(frozen=True)
class Context:
    settings: Settings
    layout: Layout
    installation_id: str
    clock: Clock
    database: Database
    cipher: Cipher
    queue: WorkQueue
    git: Git
    image_builder: ImageBuilder
    engine: ContainerEngine
    driver: Driver
    router: Router
    close_networks: Close
    registry: Registry
    registry_home: RegistryHome
    holder: Holder = field(default_factory=Holder.me)
    stirred: Stirred = field(default_factory=Stirred)
