"""A directory as a tarball: streamed, checked, built, deployed."""

import gzip
import io
import tarfile

import pytest
import zstandard

from slipyard.domain.lifecycle import DeploymentStatus
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.api.tarballs import tarball
from tests.flow.system import System


def escaping() -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../etc/passwd"))
    return output.getvalue()


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"this is no tar"},
        {"content": b""},
        {"content": tarball(a="1")[:700]},
        {"content": gzip.compress(tarball())[:-20]},
        {"content": escaping()},
        {"files": {"other": ("a.tar", tarball())}},
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
async def test_what_cannot_be_built_from_is_refused_and_leaves_nothing(
    quiet_api: ApiServer, sent: dict[str, object]
) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})

    answer = await quiet_api.client.post("/v1/apps/shop/build", **sent)

    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["message"]
    assert (await quiet_api.client.get("/v1/apps/shop/builds")).json()["total"] == 0
    assert not list(quiet_api.context.layout.snapshots.glob(".*"))


async def test_an_upload_that_is_too_large_is_refused(system: System) -> None:
    from dataclasses import replace

    settings = system.context.settings.model_copy(update={"max_upload_bytes": 100_000})
    async with serving(system, replace(system.context, settings=settings)) as api:
        await api.client.post("/v1/apps", json={"name": "shop"})
        answer = await api.client.post("/v1/apps/shop/build", content=tarball(big="x" * 200_000))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert ".dockerignore" in answer.json()["error"]["message"]


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize("multipart", [True, False])
async def test_a_directory_goes_live(api: ApiServer, packed, multipart: bool) -> None:
    await api.client.post("/v1/apps", json={"name": "shop"})
    tar = packed(tarball(main="print(1)", big="x" * 300_000))
    sent = {"files": {"source": ("shop.tar", tar)}} if multipart else {"content": tar}

    answer = await api.client.post("/v1/apps/shop/build?wait=20", **sent)

    assert (answer.status_code, answer.json()["status"]) == (200, "active"), answer.text
    app = (await api.client.get("/v1/apps/shop")).json()
    assert (app["source"]["type"], app["status"]) == ("upload", "running")


async def test_a_build_alone_is_not_deployed(api: ApiServer) -> None:
    app = (await api.client.post("/v1/apps", json={"name": "shop"})).json()

    answer = await api.client.post("/v1/apps/shop/build?deploy=false", content=tarball())

    assert answer.json()["deployment_id"] is None
    assert answer.json()["build_id"].startswith("bld_")
    assert api.system.deployments(app["id"]) == []


async def test_a_redeploy_builds_the_last_upload(api: ApiServer) -> None:
    app = (await api.client.post("/v1/apps", json={"name": "shop"})).json()
    await api.client.post("/v1/apps/shop/build?wait=20", content=tarball())

    again = (await api.client.post("/v1/apps/shop/deploy?wait=20")).json()

    assert again["status"] == "active"
    assert [row.status for row in api.system.deployments(app["id"])] == [
        DeploymentStatus.SUPERSEDED,
        DeploymentStatus.ACTIVE,
    ]
    assert len({build.snapshot_digest for build in api.system.builds(app["id"])}) == 1
