"""Pages for people: who gets in, and what a page may load."""

import re

from slipyard.store.tokens import new_login_link
from tests.flow.api.api_server import ApiServer


async def link(api: ApiServer) -> str:
    me = (await api.client.get("/v1/me")).json()
    with api.context.database.write() as session:
        return new_login_link(session, me["id"], api.context.clock.now())


async def test_a_link_lets_in_once(quiet_api: ApiServer) -> None:
    secret = await link(quiet_api)
    first, second = quiet_api.client_of(None), quiet_api.client_of(None)

    let_in, refused = await first.get(f"/login/{secret}"), await second.get(f"/login/{secret}")

    assert let_in.headers["Location"] == "/"
    assert {"HttpOnly", "SameSite=lax"} <= {part.strip() for part in let_in.headers["Set-Cookie"].split(";")}
    assert refused.status_code == 410
    assert "slipyard login-link" in refused.text
    assert "Set-Cookie" not in refused.headers


async def test_a_stranger_learns_how_to_get_in_and_nothing_else(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "secretive"})

    page = await quiet_api.client_of(None).get("/")

    assert page.status_code == 200
    assert "slipyard login-link" in page.text
    assert "secretive" not in page.text


async def test_a_cookie_reads_and_changes_nothing(quiet_api: ApiServer) -> None:
    visitor = quiet_api.client_of(None)
    await visitor.get(f"/login/{await link(quiet_api)}")

    assert (await visitor.get("/v1/me")).status_code == 200
    assert (await visitor.post("/v1/apps", json={"name": "shop"})).status_code == 401


async def test_a_session_ends_with_its_token(quiet_api: ApiServer) -> None:
    made = (await quiet_api.client.post("/v1/tokens", json={"name": "me", "scopes": ["admin"]})).json()
    with quiet_api.context.database.write() as session:
        secret = new_login_link(session, made["id"], quiet_api.context.clock.now())
    visitor = quiet_api.client_of(None)
    await visitor.get(f"/login/{secret}")
    assert (await visitor.get("/v1/me")).status_code == 200

    await quiet_api.client.delete(f"/v1/tokens/{made['id']}")

    assert (await visitor.get("/v1/me")).status_code == 401


async def test_the_page_shows_apps_and_escapes_what_people_wrote(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "<script>alert(1)</script>", "slug": "shop"})
    visitor = quiet_api.client_of(None)
    await visitor.get(f"/login/{await link(quiet_api)}")

    page = (await visitor.get("/")).text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "creating" in page
    assert "git push slipyard main" in page


async def test_pages_load_nothing_from_elsewhere(quiet_api: ApiServer) -> None:
    for path in ("/", "/docs", "/login/wrong"):
        answer = await quiet_api.client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
        assert 'name="viewport"' in answer.text


async def test_the_reference_lists_every_call(quiet_api: ApiServer) -> None:
    reference = (await quiet_api.client.get("/docs")).text
    description = (await quiet_api.client.get("/openapi.json")).json()

    for path in description["paths"]:
        assert path in reference
    for methods in description["paths"].values():
        for call in methods.values():
            assert call.get("description"), call["operationId"]
