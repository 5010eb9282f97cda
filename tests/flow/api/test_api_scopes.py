"""Who may do what: every route with every kind of token, and nobody sees another organization's apps."""

from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from sqlmodel import Session

from slipyard.domain.ids import new_id
from slipyard.store.tables import Organization
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.system import System

SCOPES = ("apps:read", "apps:write", "apps:deploy", "admin")


async def calls(api: ApiServer) -> list[tuple[str, str, str]]:
    description = (await api.client.get("/openapi.json")).json()
    return [
        (method.upper(), path.replace("{app}", "shop"), call["x-scope"])
        for path, methods in description["paths"].items()
        for method, call in methods.items()
        if "x-scope" in call
    ]


async def test_every_call_wants_a_token(quiet_api: ApiServer) -> None:
    stranger = quiet_api.client_of(None)
    for method, path, _ in await calls(quiet_api):
        answer = await stranger.request(method, path)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["error"]["code"] == "unauthorized"
        assert "WWW-Authenticate" in answer.headers


async def test_every_call_refuses_a_token_without_its_scope(quiet_api: ApiServer) -> None:
    for method, path, scope in await calls(quiet_api):
        others = [other for other in SCOPES if other not in {scope, "admin"}]
        answer = await quiet_api.client_of(quiet_api.token(*others)).request(method, path)
        assert answer.status_code == 403, (method, path)
        assert answer.json()["error"]["code"] == "insufficient_scope"
        assert scope in answer.json()["error"]["message"]


async def test_every_call_takes_a_token_with_just_its_scope(quiet_api: ApiServer) -> None:
    for method, path, scope in await calls(quiet_api):
        answer = await quiet_api.client_of(quiet_api.token(scope)).request(method, path)
        assert answer.status_code not in {401, 403} | set(range(500, 600)), (method, path, answer.text)


async def test_apps_of_others_are_not_there(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})
    other = quiet_api.client_of(quiet_api.token("admin", organization_id=_another(quiet_api)))

    for method, path, _ in await calls(quiet_api):
        if "/shop" in path and method == "GET":
            assert (await other.get(path)).status_code == 404, path
    assert (await other.get("/v1/apps")).json()["total"] == 0
    assert (await other.delete("/v1/apps/shop")).status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer sly_wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic dXNlcg=="},
        {"X-API-Key": "sly_wrong"},
        {"Cookie": "slipyard_session=wrong"},
        {"Cookie": "slipyard_session=gAAAAABm"},
    ],
)
async def test_a_wrong_credential_is_refused(quiet_api: ApiServer, header: dict[str, str]) -> None:
    assert (await quiet_api.client_of(None).get("/v1/me", headers=header)).status_code == 401


async def test_a_token_travels_in_any_of_three_headers(quiet_api: ApiServer) -> None:
    client, secret = quiet_api.client_of(None), quiet_api.token("apps:read", name="ci")

    for sent in (
        {"headers": {"Authorization": f"bearer {secret}"}},
        {"headers": {"X-API-Key": secret}},
        {"auth": ("x", secret)},
    ):
        assert (await client.get("/v1/me", **sent)).json()["name"] == "ci"


async def test_a_revoked_token_is_refused_at_once(quiet_api: ApiServer) -> None:
    made = (await quiet_api.client.post("/v1/tokens", json={"name": "ci", "scopes": ["apps:read"]})).json()
    client = quiet_api.client_of(made["token"])
    assert (await client.get("/v1/me")).status_code == 200

    await quiet_api.client.delete(f"/v1/tokens/{made['id']}")

    assert (await client.get("/v1/me")).status_code == 401


async def test_an_expired_token_is_refused(quiet_api: ApiServer) -> None:
    past = (quiet_api.context.clock.now() - timedelta(seconds=1)).isoformat()
    body = {"name": "ci", "scopes": ["apps:read"], "expires_at": past}
    made = (await quiet_api.client.post("/v1/tokens", json=body)).json()

    assert (await quiet_api.client_of(made["token"]).get("/v1/me")).status_code == 401


async def test_a_secret_is_never_listed(quiet_api: ApiServer) -> None:
    made = (await quiet_api.client.post("/v1/tokens", json={"name": "ci", "scopes": ["apps:read"]})).json()

    listed = (await quiet_api.client.get("/v1/tokens")).text

    assert made["id"] in listed
    assert made["token"] not in listed


async def test_read_only_refuses_every_change_and_answers_every_question(system: System) -> None:
    settings = system.context.settings.model_copy(update={"read_only": True})
    async with serving(system, replace(system.context, settings=settings)) as api:
        for method, path, _ in await calls(api):
            answer = await api.client.request(method, path)
            assert (answer.status_code == 403) == (method != "GET"), (method, path)
            if method != "GET":
                assert "read-only" in answer.json()["error"]["message"]


async def test_the_log_names_who_asked_and_never_their_token(quiet_api: ApiServer) -> None:
    secret = quiet_api.token("apps:read")
    with structlog.testing.capture_logs() as logs:
        await quiet_api.client_of(secret).get(f"/v1/me?token={secret}")
        await quiet_api.client_of(None).get(f"/login/{secret}")

    assert any(line["path"] == "/v1/me" and line["principal"] for line in logs)
    assert secret not in str(logs)


async def test_both_prefixes_lead_to_the_same(quiet_api: ApiServer) -> None:
    assert (await quiet_api.client.get("/api/v1/me")).json() == (await quiet_api.client.get("/v1/me")).json()


def _another(api: ApiServer) -> str:
    def write(session: Session) -> str:
        organization = Organization(id=new_id("org"), slug="other", name="Other", created_at=api.context.clock.now())
        session.add(organization)
        return organization.id

    with api.context.database.write() as session:
        return write(session)
