"""A builder in memory: puts images into a fake engine, tells its progress, and fails or hangs when told to."""

import asyncio
from collections import deque
from collections.abc import Callable
from hashlib import sha256

from slipyard.builder.image_build import BuiltImage, CacheUse, ImageBuild, Progress, Step, StepOutput
from slipyard.clients.container_engine_fake import FakeContainerEngine
from slipyard.clients.registry_fake import FakeRegistry
from slipyard.clients.registry_manifest import Manifest
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.errors import SlipyardError


class FakeImageBuilder:
    """`behaviour` is what the images do that it makes from now on; `hold` keeps builds waiting until it is set."""

    def __init__(self, engine: FakeContainerEngine) -> None:
        self.builds: list[ImageBuild] = []
        self.behaviour = Behaviour()
        self.hold = asyncio.Event()
        self.hold.set()
        self.cache_bytes = 0
        self.registry: FakeRegistry | None = None  # it pushes there, as a builder of its own does
        self._engine = engine
        self._failures: deque[SlipyardError] = deque()

    def fail_next(self, error: SlipyardError, times: int = 1) -> None:
        self._failures.extend([error] * times)

    async def build(self, build: ImageBuild, progress: Callable[[Progress], None]) -> BuiltImage:
        self.builds.append(build)
        progress(Step(1, "[1/1] FROM scratch", started_at=0.0))
        await self.hold.wait()
        if self._failures:
            raise self._failures.popleft()
        progress(StepOutput(1, 1, b"built\n"))
        progress(Step(1, "[1/1] FROM scratch", started_at=0.0, completed_at=0.1))
        image_id = self._engine.add_image(build.reference, self.behaviour, labels=build.labels)
        if self.registry is None or build.sbom_generator is None:
            return BuiltImage(image_id, None)
        return BuiltImage(None, self._push(self.registry, build, image_id))

    def _push(self, registry: FakeRegistry, build: ImageBuild, image_id: str) -> str:
        """An index, with a list of contents beside the image."""
        digest, list_of_contents = (
            f"sha256:{sha256(f'{what} {image_id}'.encode()).hexdigest()}" for what in ("index", "list")
        )
        pushed = f"{build.reference.rpartition(':')[0]}@{digest}"
        registry.add(pushed, Manifest(digest, image_id, "application/vnd.oci.image.index.v1+json"))
        registry.lists[pushed] = (list_of_contents,)
        return digest

    async def cache_use(self) -> CacheUse:
        return CacheUse(self.cache_bytes, self.cache_bytes)

    async def prune_cache(self, keep_bytes: int) -> int:
        freed = max(0, self.cache_bytes - keep_bytes)
        self.cache_bytes -= freed
        return freed

    async def describe(self) -> str:
        return "a builder in memory"
