"""Runs builds and keeps what they said."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from slipyard.builder.buildkit.build import BuildKit
from slipyard.builder.image_build import BuiltImage, Dockerfile, ImageBuild, Progress, Step, StepOutput, StepWarning
from slipyard.builder.progress_log import ProgressLog
from slipyard.domain.ids import new_id
from tests.engine.buildkit.contexts import BASE, write_context


@dataclass
class Builds:
    builder: BuildKit
    directory: Path
    reference: str
    said: list[Progress] = field(default_factory=list)

    def request(self, dockerfile: str, files: Mapping[str, bytes | str] | None = None, **options: Any) -> ImageBuild:
        """On `BASE` where the Dockerfile has no FROM of its own, and then never cached from an earlier test."""
        text = dockerfile if "FROM " in dockerfile else f"{BASE}ENV UNIQUE={self.reference}\n{dockerfile}"
        context = write_context(self.directory / f"{new_id('bld')}.tar", {"Dockerfile": text, **(files or {})})
        build = ImageBuild(
            build_id=new_id("bld"),
            context=context,
            dockerfile=Dockerfile(),
            reference=self.reference,
            cache_namespace=new_id("app"),
            labels={"org.slipyard.test": "buildkit"},
        )
        return replace(build, **options)

    async def run(self, dockerfile: str, files: Mapping[str, bytes | str] | None = None, **options: Any) -> BuiltImage:
        return await self.start(self.request(dockerfile, files, **options))

    async def start(self, build: ImageBuild) -> BuiltImage:
        self.said.clear()
        return await self.builder.build(build, self.said.append)

    @property
    def steps(self) -> list[Step]:
        return [progress for progress in self.said if isinstance(progress, Step)]

    @property
    def warnings(self) -> list[StepWarning]:
        return [progress for progress in self.said if isinstance(progress, StepWarning)]

    @property
    def output(self) -> str:
        return b"".join(progress.data for progress in self.said if isinstance(progress, StepOutput)).decode()

    @property
    def log(self) -> str:
        log = ProgressLog()
        return "\n".join([line for progress in self.said for line in log.lines(progress)] + log.rest())
