"""Tokens for code hosts: tried before they are stored, bound to their host, never shown again."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlmodel import Session, select

from slipyard.domain.app import AppConfig
from slipyard.domain.hook import Installed
from slipyard.domain.ids import new_id
from slipyard.domain.source import Source
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.outside.connect import code_host_for, repository_at
from slipyard.store.queries.connections import connection_for
from slipyard.store.tables import App, Connection, Hook
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.code_hosts.scripted_server import ScriptedServer
from tests.flow.system import System

TOKEN = "glpat-that-nobody-sees"


@pytest.fixture
def gitlab() -> Iterator[ScriptedServer]:
    with ScriptedServer().serving() as server:
        yield server


@pytest.fixture
async def open_api(system: System) -> AsyncIterator[ApiServer]:
    """The operator has opened loopback."""
    settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
    async with serving(system, replace(system.context, settings=settings), working=False) as server:
        yield server


def body(gitlab: ScriptedServer, **more: str) -> dict[str, str]:
    return {"provider": "gitlab", "url": gitlab.url, "token": TOKEN, **more}


def stored(system: System) -> list[Connection]:
    return system.read(lambda session: list(session.exec(select(Connection))))


async def test_a_token_that_the_host_refuses_is_not_stored(open_api, gitlab, system):
    gitlab.on("GET", "/api/v4/user", 401, {"message": "401 Unauthorized"})

    answer = await open_api.client.post("/v1/connections", json=body(gitlab))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "code_host_refused")
    assert TOKEN not in answer.text
    assert stored(system) == []


async def test_a_host_that_is_away_is_said_to_be_away(open_api, system):
    answer = await open_api.client.post(
        "/v1/connections", json={"provider": "gitea", "url": "http://127.0.0.1:1", "token": TOKEN}
    )
    assert (answer.status_code, stored(system)) == (503, [])


async def test_a_closed_address_is_never_called(quiet_api, gitlab, system):
    answer = await quiet_api.client.post("/v1/connections", json=body(gitlab))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")
    assert gitlab.asked == []


async def test_an_unknown_provider_and_an_empty_token_are_refused(open_api, gitlab):
    for wrong in ({"provider": "sourcehut"}, {"token": ""}):
        answer = await open_api.client.post("/v1/connections", json=body(gitlab) | wrong)
        assert answer.status_code == 422


async def test_a_token_that_works_is_stored_sealed_and_never_shown(open_api, gitlab, system):
    gitlab.on("GET", "/api/v4/user", 200, {"username": "dev"})

    made = (await open_api.client.post("/v1/connections", json=body(gitlab))).raise_for_status()
    listed = (await open_api.client.get("/v1/connections")).json()

    host = gitlab.url.removeprefix("http://")
    assert (made.json()["account"], made.json()["host"]) == ("dev", host)
    assert listed["connections"] == [made.json()]
    (row,) = stored(system)
    assert TOKEN not in made.text + str(listed) + str(row.token_encrypted)
    assert gitlab.asked[0].headers["private-token"] == TOKEN
    assert await code_host_for(open_api.context, row).account() == "dev"


async def test_a_second_token_takes_the_place_of_the_first(open_api, gitlab, system):
    gitlab.on("GET", "/api/v4/user", 200, {"username": "dev"})
    first = (await open_api.client.post("/v1/connections", json=body(gitlab))).json()
    second = (await open_api.client.post("/v1/connections", json=body(gitlab, token="new"))).json()
    assert first["id"] == second["id"]
    (row,) = stored(system)
    assert system.context.cipher.decrypt(row.token_encrypted) == b"new"


async def test_an_app_finds_the_connection_of_its_host_by_any_url(open_api, gitlab, system):
    gitlab.on("GET", "/api/v4/user", 200, {"username": "dev"})
    await open_api.client.post("/v1/connections", json=body(gitlab))
    (row,) = stored(system)

    def found(url: str | None) -> str | None:
        app = App(organization_id=row.organization_id, slug="x", config=AppConfig(source=Source(repo_url=url)))
        connection = system.read(lambda session: connection_for(session, app))
        return repository_at(connection, app) if connection else None

    assert found(f"{gitlab.url}/group/shop.git") == "group/shop"
    assert found("ssh://git@127.0.0.1:2222/group/shop.git") == "group/shop"
    assert found("https://127.0.0.1/group/shop.git") is None, "another port is another server"
    assert found("https://gitlab.com/group/shop.git") is None
    assert found(None) is None


async def test_one_that_made_webhooks_stays_until_they_are_taken_back(open_api, gitlab, system):
    gitlab.on("GET", "/api/v4/user", 200, {"username": "dev"})
    made = (await open_api.client.post("/v1/connections", json=body(gitlab))).json()
    app = (await create_app(system.context, NewApp("shop"), system.actor)).app
    installed = Installed(connection_id=made["id"], repository="group/shop", hook_id="7")
    hook = Hook(
        id=new_id("hok"),
        app_id=app.id,
        provider="gitlab",
        secret_encrypted=b"",
        installed=installed,
        created_at=app.created_at,
    )

    def change(session: Session, deleted: bool) -> None:
        hook.deleted_at = app.created_at if deleted else None
        session.merge(hook)

    await system.context.database.writing(lambda session: change(session, deleted=False))
    refused = await open_api.client.delete("/v1/connections/gitlab")
    await system.context.database.writing(lambda session: change(session, deleted=True))
    removed = await open_api.client.delete("/v1/connections/gitlab")

    assert (refused.status_code, "shop" in refused.text, removed.status_code) == (409, True, 200)
    assert stored(system) == []
