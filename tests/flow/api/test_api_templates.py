"""A template is an app in one call: its files become the source, and what it says of itself is listed."""

import asyncio
from pathlib import Path

import pytest

from slipyard.cli.main import run
from tests.flow.api.api_server import ApiServer


async def test_what_is_no_template_or_a_second_source_is_refused(quiet_api: ApiServer) -> None:
    async def refused(**body: object) -> str:
        answer = await quiet_api.client.post("/v1/apps", json={"name": "site", **body})
        assert answer.status_code == 422, answer.text
        return str(answer.json()["error"])

    assert "static-site" in await refused(template_id="../../etc")
    assert "source of its own" in await refused(template_id="static-site", image="nginx")
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 0


async def test_a_template_is_live_after_one_call(api: ApiServer) -> None:
    created = await api.client.post("/v1/apps", json={"name": "site", "template_id": "static-site"})
    assert created.status_code == 201, created.text
    app = created.json()
    assert (app["source"]["type"], app["description"]) == ("upload", "Files in a directory, served as they are.")
    (deployment,) = app["deployments"]
    assert (deployment["trigger"], deployment["title"]) == ("template", "Template static-site")
    again = await api.client.post("/v1/apps/site/deploy?wait=60")
    assert again.json()["status"] == "active", again.text
    assert {each["status"] for each in (await api.client.get("/v1/apps/site/deployments")).json()["deployments"]} == {
        "active",
        "superseded",
    }


async def test_the_operator_has_templates_of_his_own(
    quiet_api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "templates" / "wiki"
    own.mkdir(parents=True)
    (own / "template.yaml").write_text("name: Wiki\ndescription: Ours.\n")
    (own.parent / "no-template").mkdir()
    quiet_api.system.set(templates=own.parent)
    assert (await quiet_api.client.get("/v1/templates")).json() == {
        "templates": [{"id": "wiki", "name": "Wiki", "description": "Ours."}],
        "total": 1,
    }
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    assert await asyncio.to_thread(run, ("templates",)) == 0
    assert "wiki" in capsys.readouterr().out
    (own / "template.yaml").write_text("name: [")
    assert (await quiet_api.client.get("/v1/templates")).status_code == 500
