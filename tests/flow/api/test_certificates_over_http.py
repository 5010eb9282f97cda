"""Certificates over the API and by the command line: a key goes in and never comes out."""

import asyncio

import pytest

from slipyard.cli.main import run
from tests.authority import Authority
from tests.flow.api.api_server import ApiServer

HOST = "www.example.test"
PATH = f"/v1/apps/shop/certificates/{HOST}"


async def slipyard(*arguments: str) -> int:
    return await asyncio.to_thread(run, arguments)


@pytest.fixture
async def shop(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    quiet_api.system.set(tls="files")
    (await quiet_api.client.post("/v1/apps", json={"name": "shop"})).raise_for_status()
    (await quiet_api.client.post("/v1/apps/shop/domains", json={"domain": HOST})).raise_for_status()
    return quiet_api


async def test_a_certificate_is_brought_shown_and_removed_and_its_key_is_a_fingerprint(shop: ApiServer):
    authority = Authority()
    signed, other = authority.sign(HOST), authority.sign("other.test")
    wrong = await shop.client.put(PATH, json={"chain": other.certificate, "key": signed.key})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["field"]) == (422, "key")
    assert signed.key not in wrong.text

    made = await shop.client.put(PATH, json={"cert": signed.certificate, "private_key": signed.key})
    assert made.status_code == 200, made.text
    assert (made.json()["source"], made.json()["names"]) == ("uploaded", [HOST])
    assert "PRIVATE" not in made.text
    domain = (await shop.client.get(f"/v1/apps/shop/domains/{HOST}")).json()
    assert domain["certificate"] == "uploaded"
    assert (await shop.client.get("/v1/apps/shop/certificates")).json()["certificates"] == [made.json()]

    assert (await shop.client.delete(PATH)).json()["success"]
    assert (await shop.client.delete(PATH)).status_code == 404
    assert (await shop.client.get(PATH)).json()["source"] == "none"


async def test_commands_bring_list_show_and_remove(shop: ApiServer, capsys: pytest.CaptureFixture[str], tmp_path):
    signed = Authority().sign(HOST)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text(signed.certificate)
    key.write_text(signed.key)
    files = ("--chain", str(chain), "--key", str(key))
    assert await slipyard("certificates", "add", "other.test", *files, "-a", "shop") == 3
    assert (
        await slipyard("certificates", "add", HOST, "--chain", str(tmp_path / "none"), "--key", str(key), "-a", "shop")
        == 2
    )
    assert await slipyard("certificates", "add", HOST, *files, "-a", "shop") == 0
    capsys.readouterr()
    assert await slipyard("certificates", "list", "-a", "shop") == 0
    assert f"{HOST}\tuploaded" in capsys.readouterr().out
    assert await slipyard("certificates", "show", HOST, "-a", "shop") == 0
    assert signed.key not in capsys.readouterr().out
    assert await slipyard("certificates", "remove", HOST, "-a", "shop") == 0
