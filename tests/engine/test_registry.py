"""The engine pushes to a real registry, and its door reads back what is there."""

import asyncio
import secrets

import bcrypt
import pytest

from slipyard.clients.docker_engine import DockerEngine
from slipyard.clients.registry import Registry
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import NotFound, Unavailable, UserError
from tests.engine.caddy_process import free_port
from tests.engine.docker_world import DOCKER_HOST
from tests.engine.polling import until

ME = Credentials("me", "s3cret")


@pytest.fixture
async def host(tmp_path):
    """A registry with a password, as `host:port`."""
    port = free_port()
    (tmp_path / "htpasswd").write_text(f"me:{bcrypt.hashpw(b's3cret', bcrypt.gensalt(4)).decode()}\n")
    (tmp_path / "config.yml").write_text(
        f"""version: 0.1
storage: {{filesystem: {{rootdirectory: {tmp_path}/data}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: test, path: {tmp_path}/htpasswd}}}}
"""
    )
    with (tmp_path / "log").open("wb") as log:
        command = ("docker-registry", "serve", str(tmp_path / "config.yml"))
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    host = f"127.0.0.1:{port}"
    await until(lambda: answers(host))
    yield host
    process.terminate()
    await process.wait()


async def answers(host: str) -> bool:
    try:
        await Registry().ping(host, ME)
    except Unavailable:
        return False
    return True


@pytest.fixture
async def pushed(host):
    """An engine, and a reference of its busybox that nobody pushed yet."""
    engine, reference = DockerEngine(DOCKER_HOST), f"{host}/slipyard-test/{secrets.token_hex(4)}:1"
    image = await engine.image("busybox")
    await engine.tag(image.image_id, reference)
    yield engine, reference, image.image_id
    await engine.remove_image(reference)
    engine.close()


async def test_wrong_and_missing_credentials_are_refused_by_both_doors(pushed, host):
    engine, reference, _ = pushed
    for credentials in (None, Credentials("me", "wrong")):
        with pytest.raises(UserError):
            await engine.push(reference, credentials)
        with pytest.raises(UserError):
            await Registry().manifest(reference, credentials)
        with pytest.raises(UserError):
            await Registry().ping(host, credentials)


async def test_what_was_never_pushed_is_not_found(pushed):
    engine, reference, _ = pushed
    with pytest.raises(NotFound):
        await Registry().manifest(reference, ME)
    with pytest.raises(NotFound):
        await engine.pull(reference, ME)


async def test_a_registry_that_is_away_is_unavailable_to_both_doors(pushed):
    engine, _, image_id = pushed
    await engine.tag(image_id, "127.0.0.1:9/slipyard-test/none:1")
    with pytest.raises(Unavailable):
        await engine.push("127.0.0.1:9/slipyard-test/none:1")
    await engine.remove_image("127.0.0.1:9/slipyard-test/none:1")
    with pytest.raises(Unavailable):
        await Registry().manifest("127.0.0.1:9/none:1")


async def test_what_was_pushed_is_read_back_pulled_and_deleted(pushed):
    engine, reference, image_id = pushed
    digest = await engine.push(reference, ME)
    manifest = await Registry().manifest(reference, ME)
    assert (manifest.digest, manifest.config_digest) == (digest, image_id)
    by_digest = f"{reference.removesuffix(':1')}@{digest}"
    assert await Registry().manifest(by_digest, ME) == manifest
    await engine.remove_image(reference)
    facts = await engine.pull(by_digest, ME)
    assert (facts.image_id, by_digest in facts.repo_digests) == (image_id, True)
    await engine.remove_image(by_digest)
    await Registry().delete(reference, ME)
    await Registry().delete(reference, ME)
    with pytest.raises(NotFound):
        await Registry().manifest(reference, ME)
