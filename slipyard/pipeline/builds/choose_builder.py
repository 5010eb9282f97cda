"""Which BuildKit builds, decided at the first build: a worker starts, and resumes what it can, while the engine is away."""

from collections.abc import Callable

from slipyard.builder.buildkit.build import BuildKit
from slipyard.builder.buildkit.connect import engine_builder, standalone
from slipyard.builder.image_build import BuiltImage, CacheUse, ImageBuild, Progress
from slipyard.domain.settings import Settings


class ChosenBuilder:
    """A standalone buildkitd where one is set, which must push; else the BuildKit inside the engine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._chosen: BuildKit | None = None

    async def build(self, build: ImageBuild, progress: Callable[[Progress], None]) -> BuiltImage:
        return await (await self._choose()).build(build, progress)

    async def describe(self) -> str:
        return await (await self._choose()).describe()

    async def cache_use(self) -> CacheUse:
        return await (await self._choose()).cache_use()

    async def prune_cache(self, keep_bytes: int) -> int:
        return await (await self._choose()).prune_cache(keep_bytes)

    async def _choose(self) -> BuildKit:
        if self._chosen is None:
            host, tls = self._settings.buildkit_host, self._settings.buildkit_tls_directory
            self._chosen = standalone(host, tls) if host else await engine_builder(self._settings.docker_host)
        return self._chosen
