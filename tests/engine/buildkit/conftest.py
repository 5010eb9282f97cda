import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from slipyard.builder.buildkit.build import BuildKit
from slipyard.builder.buildkit.connect import engine_builder, standalone
from slipyard.domain.credentials import Credentials
from slipyard.domain.ids import new_id
from tests.engine.buildkit.builds import Builds
from tests.engine.buildkit.daemons import buildkitd, new_docker_engine, registry

MACHINE_ENGINE = (
    os.environ.get("SLIPYARD_DOCKER_HOST") or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
)
OWNER = Credentials("owner", "not a secret of anybody")
OWNER_ACCOUNT = "owner:$2b$04$JnspE.jP8mgvgezDR2bf9eB5ZczwiwJvxrx/hXNWBQddMBAR7SeTC\n"


@pytest.fixture(scope="session")
def open_registry() -> Iterator[str]:
    with registry() as host:
        yield host


@pytest.fixture(scope="session")
def private_registry() -> Iterator[str]:
    """Answers only `OWNER`."""
    with registry(OWNER_ACCOUNT) as host:
        yield host


@pytest.fixture(scope="session")
def standalone_daemon(open_registry: str, private_registry: str) -> Iterator[str]:
    with buildkitd([open_registry, private_registry]) as (address, _):
        yield address


@pytest.fixture(scope="session")
def new_engine() -> Iterator[str]:
    with new_docker_engine() as address:
        yield address


@pytest.fixture(scope="session")
def machine_engine() -> Iterator[str]:
    """The machine's own engine is other people's too: what the tests built there is removed."""
    yield MACHINE_ENGINE
    client = docker.DockerClient(base_url=MACHINE_ENGINE)
    for image in client.images.list(filters={"label": "org.slipyard.test=buildkit"}, all=True):
        client.images.remove(image.id, force=True)
    client.close()


@pytest.fixture(params=["machine_engine", "new_engine", "standalone_daemon"])
async def builder(request: pytest.FixtureRequest) -> BuildKit:
    """Every way in: an upgraded connection (Engine up to 29.1), a direct one, and buildkitd itself."""
    address = request.getfixturevalue(request.param)
    return standalone(address) if request.param == "standalone_daemon" else await engine_builder(address)


@pytest.fixture
def builds(builder: BuildKit, tmp_path: Path, open_registry: str) -> Builds:
    return Builds(builder, tmp_path, f"{open_registry}/slipyard-test/{new_id('img')}:1")
