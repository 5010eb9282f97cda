"""`docker compose up` is a whole Slipyard: PostgreSQL, buildkitd and each part in a container; a push goes live in it."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tests.engine.compose_images import build_buildkitd, build_slipyard
from tests.engine.compose_stack import ComposeStack, new_stack
from tests.engine.whole_app import SERVES, new_app
from tests.flow.repository import Repository

PARTS = {"api", "build-worker", "deploy-worker", "controller"}
SERVICES = {"postgres", "redis", "buildkitd", "registry", "caddy"}
MADE_IN_A_BUILD = SERVES + "RUN wc -c </www/index.html >/www/size\n"


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture
async def images(engine: docker.DockerClient, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Slipyard's, and that of its buildkitd."""
    mark = secrets.token_hex(3)
    names = f"slipyard-test:{mark}", f"slipyard-test-buildkitd:{mark}"
    await build_slipyard(names[0], tmp_path)
    await build_buildkitd(names[1], tmp_path)
    yield names
    for name in names:
        engine.images.remove(name, force=True)


@pytest.fixture
def stack(images: tuple[str, str], engine: docker.DockerClient, tmp_path: Path) -> Iterator[ComposeStack]:
    stack = new_stack(tmp_path / "outside", *images)
    yield stack
    if volumes(engine, stack):  # the test failed before its own end
        stack.remove()


def test_the_stack_takes_pushes_goes_comes_back_and_leaves_nothing(
    stack: ComposeStack, engine: docker.DockerClient, repository: Repository
) -> None:
    app = new_app(stack.installation, repository)
    stack.up()
    assert stack.running() == PARTS | SERVICES
    stack.slipyard("mirror", "busybox:latest")

    app.push("one", MADE_IN_A_BUILD)

    assert (app.text(), stack.installation.answer(app.slug, "/size").text) == ("one", "3\n")
    assert app.builds()[0]["manifest_digest"], "a buildkitd pushes what it builds"
    assert troubles(stack) == []
    assert stays(stack, "registry blobs"), "the parts see the registry's files"
    assert "Reading(" in seen_in_groups(stack, app.container_ids()[0]), "use is read without a call to the engine"

    stack.compose("down")
    assert containers(engine, stack) == []
    stack.up()
    assert app.text() == "one", "what is live outlives the stack"
    app.push("two")
    assert app.text() == "two"
    assert [row["attempt"] for row in app.deployments()] == [1, 1]

    installation = app.container_labels()[0]["slipyard.installation"]
    stack.remove()
    assert containers(engine, stack) == []
    assert volumes(engine, stack) == []
    made = {"label": f"slipyard.installation={installation}"}
    assert engine.containers.list(all=True, filters=made) == engine.networks.list(filters=made) == []
    assert engine.images.list(filters=made) == []


def seen_in_groups(stack: ComposeStack, container_id: str) -> str:
    """What the controller reads of a container, network included."""
    look = f"from slipyard.clients.control_groups import ControlGroups; print(ControlGroups().read({container_id!r}))"
    return stack.compose("exec", "-T", "controller", "python", "-P", "-c", look)


def stays(stack: ComposeStack, kind: str) -> list[str]:
    """What cleaning would keep of a kind."""
    plan = json.loads(stack.slipyard("system", "cleanup", "--dry-run", "--json"))
    return [item["name"] for item in plan["kept"] if item["kind"] == kind]


def troubles(stack: ComposeStack) -> list[dict[str, str]]:
    """What `slipyard doctor` complains of; the machine's clock and disk are not the stack's."""
    findings = json.loads(stack.slipyard("doctor", "--json", ok=False))["findings"]
    return [each for each in findings if each["level"] != "ok" and each["name"] not in {"clock", "disk"}]


def containers(engine: docker.DockerClient, stack: ComposeStack) -> list[str]:
    mine = {"label": f"com.docker.compose.project={stack.project}"}
    return [each.name for each in engine.containers.list(all=True, filters=mine)]


def volumes(engine: docker.DockerClient, stack: ComposeStack) -> list[str]:
    return [each.name for each in engine.volumes.list(filters={"label": f"com.docker.compose.project={stack.project}"})]
