"""The images of the stack, built by the engine's BuildKit from what the engine has: Slipyard's own, and one with buildkitd."""

import io
import tarfile
from pathlib import Path

from slipyard.builder.buildkit.connect import engine_builder
from slipyard.builder.image_build import Dockerfile, ImageBuild
from tests.engine.buildkit.daemons import recipe
from tests.engine.installation import CHECKOUT

ENGINE = "unix:///var/run/docker.sock"
BUILDKITD = """\
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates runc && rm -rf /var/lib/apt/lists/*
COPY buildkitd /usr/bin/
ENTRYPOINT ["buildkitd"]
"""


async def build_slipyard(reference: str, directory: Path) -> None:
    """From the Dockerfile that users build, with what .dockerignore leaves of the checkout."""
    sources = [CHECKOUT / "Dockerfile", CHECKOUT / "requirements.txt", *_sources()]
    files = {str(path.relative_to(CHECKOUT)): path for path in sources}
    await _build(reference, _pack(directory / "slipyard.tar", files), Dockerfile())


async def build_buildkitd(reference: str, directory: Path) -> None:
    context = _pack(directory / "buildkitd.tar", {"buildkitd": recipe("buildkitd.sh") / "buildkitd"})
    await _build(reference, context, Dockerfile(text=BUILDKITD))


def _sources() -> list[Path]:
    found = (path for kept in ("slipyard", "examples/templates") for path in (CHECKOUT / kept).rglob("*"))
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def _pack(target: Path, files: dict[str, Path]) -> Path:
    """Without times and owners, so that what is unchanged is not built again."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, path in files.items():
            content = path.read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if path.stat().st_mode & 0o100 else 0o644
            archive.addfile(member, io.BytesIO(content))
    return target


async def _build(reference: str, context: Path, dockerfile: Dockerfile) -> None:
    build = ImageBuild("compose-test", context, dockerfile, reference, cache_namespace="compose-test")
    builder = await engine_builder(ENGINE)
    await builder.build(build, lambda progress: None)
