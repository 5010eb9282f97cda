"""The disk is really freed: of a deleted app nothing is left in the registry's files, while another image is pushed there.
And what runs is the digest that was built, wherever its tag points by then."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipyard.clients.docker_engine import DockerEngine
from slipyard.clients.registry_storage import RegistryStorage
from slipyard.domain.credentials import Credentials
from tests.engine.docker_world import DOCKER_HOST
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp, new_app
from tests.flow.repository import Repository

LARGE_BYTES = 8 * 1024 * 1024
LARGE = SERVES.replace("COPY", f"RUN head -c {LARGE_BYTES} /dev/urandom > /large\nCOPY")


@pytest.fixture
def other(whole_app: WholeApp, tmp_path: Path) -> Iterator[WholeApp]:
    app = new_app(whole_app.slipyard, Repository(tmp_path / "other"))
    yield app
    app.delete()


def test_blobs_of_a_deleted_app_are_freed_and_no_image_gets_a_hole_by_a_push_or_a_kill_meanwhile(
    whole_app: WholeApp, other: WholeApp
) -> None:
    storage = storage_of(whole_app)
    whole_app.push("large", LARGE)
    published(whole_app)
    before = bytes_of(storage)
    assert large_blobs(storage)
    whole_app.delete()
    wait_until(lambda: not any(whole_app.slug in name for name in tagged(storage)))
    age(storage)

    would = cleanup(whole_app, "--dry-run")
    assert sum(item["bytes"] for item in would["removed"] if item["kind"] == "registry blobs") >= LARGE_BYTES
    assert large_blobs(storage)
    other.push_detached("small")
    done = cleanup(whole_app)

    assert [trouble for trouble in done["troubles"] if "registry" in trouble] == []
    assert min(each["disk"]["parts"]["build cache"] for each in (would, done)) > 0
    assert not large_blobs(storage)
    assert bytes_of(storage) <= before - LARGE_BYTES + LARGE_BYTES // 4
    other.wait_settled()
    build = published(other)
    assert_whole(other, build)

    storage.set_aside([layer["digest"] for layer in manifest(other, build)["layers"]])  # and is killed
    cleanup(other)
    assert_whole(other, build)


def test_a_tag_that_was_moved_changes_nothing(whole_app: WholeApp) -> None:
    whole_app.push("first")
    first = published(whole_app)
    whole_app.push("second")
    second = published(whole_app)
    asyncio.run(move_tag(whole_app, first["image"], second["image_id"]))
    assert manifest(whole_app, first, tag=True)["config"]["digest"] == second["image_id"]

    whole_app.slipyard.slipyard("rollback", "--app", whole_app.slug)
    assert whole_app.text() == "first"
    release = json.loads(whole_app.slipyard.slipyard("releases", "show", "1", "--app", whole_app.slug, "--json"))
    said = release["provenance"]
    assert (release["active"], said["verified"], said["image_id"]) == (True, True, first["image_id"])
    assert (said["commit"], said["build_id"]) == (first["commit"], first["id"])
    assert "BuildKit" in said["builder"]
    told = whole_app.slipyard.slipyard("releases", "show", "1", "--app", whole_app.slug)
    assert "yes: the signed statement, the release and its build agree" in told
    assert first["image_id"][:19] in whole_app.slipyard.slipyard("releases", "list", "--app", whole_app.slug)


def storage_of(app: WholeApp) -> RegistryStorage:
    return RegistryStorage(app.slipyard.home / "registry" / "data")


def published(app: WholeApp) -> dict[str, Any]:
    """Its newest build, once the registry has the image."""
    wait_until(lambda: app.builds()[0]["published_at"])
    return app.builds()[0]


def bytes_of(storage: RegistryStorage) -> int:
    return sum(blob.bytes for blob in storage.blobs())


def large_blobs(storage: RegistryStorage) -> list[str]:
    return [blob.digest for blob in storage.blobs() if blob.bytes >= LARGE_BYTES]


def tagged(storage: RegistryStorage) -> list[str]:
    return [name for name in storage.repositories() if storage.tags(name)]


def age(storage: RegistryStorage) -> None:
    """As if an hour had passed: what is new may belong to a push that goes through no gate."""
    for data in storage.root.glob("docker/registry/v2/blobs/*/*/*/data"):
        os.utime(data, (0, 0))


def cleanup(app: WholeApp, *options: str) -> dict[str, Any]:
    return json.loads(app.slipyard.slipyard("system", "cleanup", "--json", *options))


def registry(app: WholeApp) -> httpx.Client:
    port = app.slipyard.environment["SLIPYARD_REGISTRY_PORT"]
    password = (app.slipyard.home / "registry.password").read_text().strip()
    return httpx.Client(base_url=f"http://127.0.0.1:{port}/v2", auth=("slipyard", password))


def repository_of(build: dict[str, Any]) -> str:
    return build["image"].partition("/")[2].rpartition(":")[0]


def manifest(app: WholeApp, build: dict[str, Any], *, tag: bool = False) -> dict[str, Any]:
    wanted = build["image"].rpartition(":")[2] if tag else build["manifest_digest"]
    accept = {
        "Accept": "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    }
    with registry(app) as client:
        answer = client.get(f"/{repository_of(build)}/manifests/{wanted}", headers=accept)
    return answer.raise_for_status().json()


def assert_whole(app: WholeApp, build: dict[str, Any]) -> None:
    """The registry has every blob that its manifest names."""
    found = manifest(app, build)
    with registry(app) as client:
        for blob in (found["config"], *found["layers"]):
            answer = client.head(f"/{repository_of(build)}/blobs/{blob['digest']}")
            assert (answer.status_code, int(answer.headers["content-length"])) == (200, blob["size"])


async def move_tag(app: WholeApp, reference: str, image_id: str) -> None:
    """As somebody with the registry's password would."""
    engine = DockerEngine(DOCKER_HOST)
    try:
        await engine.tag(image_id, reference)
        password = (app.slipyard.home / "registry.password").read_text().strip()
        await engine.push(reference, Credentials("slipyard", password))
    finally:
        engine.close()
