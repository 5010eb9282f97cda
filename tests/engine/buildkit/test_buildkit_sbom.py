"""A list of what is in an image, made by a generator beside the build, pushed with the image, found, and deleted with it."""

from pathlib import Path

import pytest

from slipyard.builder.buildkit.connect import standalone
from slipyard.clients.registry import Registry
from slipyard.domain.errors import BuildFailed
from slipyard.domain.ids import new_id
from tests.engine.buildkit.builds import Builds

STATEMENT = '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3"}}'
GENERATOR = f"""
echo '{STATEMENT}' > "$BUILDKIT_SCAN_DESTINATION/${{BUILDKIT_SCAN_SOURCE##*/}}.spdx.json"
"""


@pytest.fixture
async def generator(standalone_daemon: str, open_registry: str, tmp_path: Path) -> str:
    """An image that writes the same short list whatever it is shown."""
    reference = f"{open_registry}/slipyard-test/{new_id('img')}:generator"
    files = {"generate": GENERATOR}
    await Builds(standalone(standalone_daemon), tmp_path, reference).run(
        'COPY --chmod=755 generate /generate\nCMD ["/bin/busybox", "sh", "/generate"]', files
    )
    return reference


async def test_what_the_generator_wrote_is_found_beside_the_image(
    standalone_daemon: str, open_registry: str, tmp_path: Path, generator: str
) -> None:
    reference = f"{open_registry}/slipyard-test/{new_id('img')}:1"
    builds = Builds(standalone(standalone_daemon), tmp_path, reference)
    plain = await builds.run("COPY a /a", {"a": "1"})
    assert plain.image_id is not None
    assert await Registry().sboms(reference) == ()

    built = await builds.run("COPY a /a", {"a": "1"}, sbom_generator=generator)

    manifest = await Registry().manifest(f"{reference.removesuffix(':1')}@{built.manifest_digest}")
    (sbom,) = await Registry().sboms(reference)
    assert (built.image_id, manifest.config_digest) == (None, plain.image_id)
    assert sbom.startswith("sha256:")


async def test_a_generator_that_is_not_there_fails_the_build_with_its_name(
    standalone_daemon: str, open_registry: str, tmp_path: Path
) -> None:
    builds = Builds(standalone(standalone_daemon), tmp_path, f"{open_registry}/slipyard-test/{new_id('img')}:1")
    with pytest.raises(BuildFailed, match="nowhere/generator"):
        await builds.run("COPY a /a", {"a": "1"}, sbom_generator=f"{open_registry}/nowhere/generator:1")
