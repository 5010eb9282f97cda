"""Logins at registries: never shown, sent to their registry only, and used wherever an image is pulled."""

import asyncio
from pathlib import Path

import pytest
from httpx import Response

from slipyard.cli.exit_codes import ExitCode
from slipyard.cli.main import run
from slipyard.clients.registry_manifest import Manifest
from slipyard.domain.credentials import Credentials
from slipyard.pipeline.sources.poll import poll_now
from slipyard.pipeline.sources.registry_logins import logins_for
from tests.flow.api.api_server import ApiServer

SECRET = "s3cr3t-t0k3n"
HOST = "registry.example.com"
IMAGE = f"{HOST}/me/shop:v1"
DIGEST = f"sha256:{'d' * 64}"


async def add(api: ApiServer, **body: object) -> Response:
    return await api.client.post("/v1/registries", json={"host": HOST, "username": "me", "password": SECRET, **body})


def close(api: ApiServer) -> None:
    api.system.registry.closed[HOST] = Credentials("me", SECRET)
    api.system.registry.add(IMAGE, Manifest(DIGEST, DIGEST, "application/vnd.oci.image.manifest.v1+json"))


@pytest.mark.parametrize(
    "body",
    [
        {"host": ""}, {"host": "-x"}, {"host": "a b"}, {"host": "me@ghcr.io"}, {"host": "ghcr.io:99999x"},
        {"username": "a:b"}, {"username": ""}, {"password": ""}, {"password": "two\nlines"}, {"token": "x"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_login_that_cannot_be_is_refused_without_its_secret(
    quiet_api: ApiServer, body: dict[str, object]
) -> None:
    answer = await add(quiet_api, **body)
    assert answer.status_code == 422, answer.text
    assert SECRET not in answer.text
    assert (await quiet_api.client.get("/v1/registries")).json()["total"] == 0


async def test_a_login_is_sent_to_no_other_registry(quiet_api: ApiServer) -> None:
    await add(quiet_api)
    answer = await quiet_api.client.post(f"/v1/registries/{HOST}/test", json={"image": "ghcr.io/me/shop:1"})
    assert answer.status_code == 422
    assert "not sent to ghcr.io" in answer.json()["error"]["message"]


async def test_a_registry_that_refuses_is_an_answer(quiet_api: ApiServer) -> None:
    close(quiet_api)
    await add(quiet_api, password="another")
    tried = (await quiet_api.client.post(f"/v1/registries/{HOST}/test", json={})).json()
    assert tried["success"] is False
    assert "does not take this login" in tried["message"]


async def test_a_second_login_takes_the_place_of_the_first_and_no_answer_shows_one(quiet_api: ApiServer) -> None:
    close(quiet_api)
    first, second = await add(quiet_api, password="another"), await add(quiet_api, host=f"https://{HOST}/v2/")
    listed = await quiet_api.client.get("/v1/registries")
    tried = (await quiet_api.client.post(f"/v1/registries/{HOST}/test", json={"image": IMAGE})).json()

    assert (first.status_code, second.status_code, second.json()["host"]) == (201, 201, HOST)
    assert listed.json()["total"] == 1
    assert tried["success"] is True
    assert tried["digest"] == DIGEST
    assert SECRET not in first.text + second.text + listed.text


async def test_docker_hub_has_one_name(quiet_api: ApiServer) -> None:
    assert (await add(quiet_api, host="https://index.docker.io/v1/")).json()["host"] == "docker.io"


async def test_pulls_polls_and_builds_of_a_private_image_bring_the_login(api: ApiServer) -> None:
    close(api)
    api.system.engine.publish(IMAGE)
    created = await api.client.post("/v1/apps", json={"name": "shop", "image": IMAGE, "deploy": False})
    app_id = created.json()["id"]
    refused = await poll_now(api.context, app_id)
    await add(api)
    seen = await poll_now(api.context, app_id)

    assert refused is not None
    assert "does not take this login" in (refused.error or "")
    assert seen is not None
    assert (seen.error, seen.found) == (None, DIGEST)
    assert (await logins_for(api.context, app_id))[HOST] == Credentials("me", SECRET)
    deployed = await api.client.post("/v1/apps/shop/deploy?wait=60", json={})
    assert deployed.json()["status"] == "active", deployed.text
    assert api.system.engine.pulled_with[IMAGE] == Credentials("me", SECRET)


async def test_the_command_line_keeps_tries_and_removes_one(
    quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close(quiet_api)
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    secret = tmp_path / "password"
    secret.write_text(f"{SECRET}\n")

    async def slipyard(*arguments: str) -> int:
        return await asyncio.to_thread(run, ("registries", *arguments))

    assert await slipyard("test", HOST) == ExitCode.REFUSED, "there is none yet"
    assert await slipyard("add", HOST, "--user", "me", "--password-file", str(secret)) == 0
    assert await slipyard("test", HOST, IMAGE) == 0
    assert await slipyard("list") == 0
    assert await slipyard("remove", HOST) == 0
    said = capsys.readouterr()
    assert HOST in said.out
    assert SECRET not in said.out + said.err
