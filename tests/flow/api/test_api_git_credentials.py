"""Git credentials over the API: bound to a host, never shown, never following a changed URL."""

import pytest
from httpx import Response
from sqlmodel import Session

from slipyard.domain.ids import new_id
from slipyard.pipeline.sources.git_access import credential_for
from slipyard.store.tables import App, GitCredentialRow, Organization
from tests.flow.api.api_server import ApiServer

SECRET = "s3cr3t-t0k3n"
REPOSITORY = "https://git.example.com/me/shop.git"


async def add(api: ApiServer, **body: object) -> Response:
    return await api.client.post("/v1/git-credentials", json={"name": "main", "host": "git.example.com", **body})


async def app_with(api: ApiServer, credential_id: str, repo_url: str = REPOSITORY) -> Response:
    source = {"repo_url": repo_url, "credential_id": credential_id}
    return await api.client.post("/v1/apps", json={"name": "shop", "source": source, "deploy": False})


async def sent_by(api: ApiServer, slug: str = "shop") -> object:
    """What git would be given for this app."""
    app_id = (await api.client.get(f"/v1/apps/{slug}")).json()["id"]
    return api.system.read(lambda session: credential_for(session, api.context.cipher, session.get_one(App, app_id)))


@pytest.mark.parametrize(
    "body",
    [
        {}, {"token": ""}, {"token": "two\nlines"}, {"token": "a", "password": "b", "username": "u"}, {"password": "b"},
        {"generate": True, "private_key": "x"}, {"private_key": SECRET}, {"kind": "ssh", "token": SECRET},
        {"token": SECRET, "username": "a:b"}, {"token": SECRET, "name": ""}, {"token": SECRET, "name": "-x"},
        {"token": SECRET, "host": "https://git.example.com"}, {"token": SECRET, "host": "git.example.com/me"},
        {"token": SECRET, "host": "-oProxyCommand=id"}, {"token": SECRET, "host": "git.example.com:0"},
        {"token": SECRET, "host": "git.example.com:99999"}, {"token": SECRET, "host": "me@git.example.com"},
        {"token": SECRET, "host": "2130706433"}, {"token": SECRET, "host": "0x7f.1"}, {"token": SECRET, "host": ""},
        {"generate": True, "known_hosts": "nonsense"}, {"token": "x" * 20_000},
    ],
    ids=str,
)  # fmt: skip
async def test_a_bad_credential_is_refused_without_its_secret(quiet_api: ApiServer, body: dict[str, object]) -> None:
    answer = await add(quiet_api, **body)
    assert answer.status_code == 422, answer.text
    assert SECRET not in answer.text
    assert (await quiet_api.client.get("/v1/git-credentials")).json()["total"] == 0


async def test_a_name_is_taken_once(quiet_api: ApiServer) -> None:
    assert (await add(quiet_api, token=SECRET)).status_code == 201
    assert (await add(quiet_api, token=SECRET)).status_code == 409


async def test_no_answer_shows_a_secret(quiet_api: ApiServer) -> None:
    made = await add(quiet_api, token=SECRET)
    key = await add(quiet_api, name="key", generate=True)
    listed = await quiet_api.client.get("/v1/git-credentials")
    shown = await quiet_api.client.get("/v1/git-credentials/main")

    assert (made.json()["kind"], made.json()["username"]) == ("token", "git")
    assert key.json()["public_key"].startswith("ssh-ed25519 ")
    for answer in (made, key, listed, shown):
        assert SECRET not in answer.text
        assert "PRIVATE" not in answer.text
    rows = quiet_api.system.read(lambda session: session.query(GitCredentialRow).all())
    assert all(SECRET.encode() not in row.secret_encrypted for row in rows)


async def test_the_same_key_twice_makes_one(quiet_api: ApiServer) -> None:
    body = {"name": "main", "host": "git.example.com", "generate": True}
    headers = {"Idempotency-Key": "one"}
    answers = [await quiet_api.client.post("/v1/git-credentials", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    "repo_url",
    ["https://git.example.com.evil.net/a", "https://evil.net/git.example.com", "https://git.example.com:8443/a", "git@git.example.com:a",
     "ssh://git@git.example.com/a"],
)  # fmt: skip
async def test_an_app_elsewhere_does_not_get_it(quiet_api: ApiServer, repo_url: str) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    answer = await app_with(quiet_api, credential, repo_url)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] == "source.credential_id"
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 0


async def test_one_of_another_organization_is_not_there(quiet_api: ApiServer) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    stranger = quiet_api.client_of(quiet_api.token("admin", organization_id=_another(quiet_api)))

    body = {"name": "shop", "source": {"repo_url": REPOSITORY, "credential_id": credential}}
    assert (await stranger.post("/v1/apps", json=body)).status_code == 422
    assert (await stranger.get(f"/v1/git-credentials/{credential}")).status_code == 404
    assert (await stranger.delete(f"/v1/git-credentials/{credential}")).status_code == 404
    answer = await stranger.post(f"/v1/git-credentials/{credential}/test", json={"repo_url": REPOSITORY})
    assert answer.status_code == 404


async def test_a_token_of_one_app_does_not_take_the_credentials_of_others(quiet_api: ApiServer) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    await quiet_api.client.post("/v1/apps", json={"name": "shop", "repo_url": REPOSITORY, "deploy": False})
    bound = {"name": "ci", "scopes": ["apps:write"], "app": "shop"}
    client = quiet_api.client_of((await quiet_api.client.post("/v1/tokens", json=bound)).json()["token"])

    answer = await client.patch("/v1/apps/shop", json={"source": {"credential_id": credential}})

    assert answer.status_code == 422
    assert await sent_by(quiet_api) is None


async def test_a_changed_host_drops_it_and_says_so(quiet_api: ApiServer) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    assert (await app_with(quiet_api, credential)).status_code == 201
    assert (await sent_by(quiet_api)).password == SECRET

    changed = (await quiet_api.client.patch("/v1/apps/shop", json={"repo_url": "https://evil.net/me/shop.git"})).json()

    assert changed["source"]["credential_id"] is None
    assert changed["has_git_access"] is None
    assert "main is a token secret for https to git.example.com, so it was dropped" in changed["git_access_error"]
    assert await sent_by(quiet_api) is None
    events = (await quiet_api.client.get("/v1/apps/shop/events")).json()["events"]
    assert any("so it was dropped" in event["message"] for event in events)
    back = (await quiet_api.client.patch("/v1/apps/shop", json={"repo_url": REPOSITORY})).json()
    assert back["source"]["credential_id"] is None, "what was dropped does not come back by itself"


async def test_another_path_at_the_same_host_keeps_it(quiet_api: ApiServer) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    await app_with(quiet_api, credential)

    changed = await quiet_api.client.patch("/v1/apps/shop", json={"repo_url": "https://git.example.com/me/other.git"})

    assert changed.json()["source"]["credential_id"] == credential


async def test_another_host_with_its_own_in_the_same_call(quiet_api: ApiServer) -> None:
    first = (await add(quiet_api, token=SECRET)).json()["id"]
    second = (await add(quiet_api, name="next", host="git.example.net", token="other")).json()["id"]
    await app_with(quiet_api, first)
    elsewhere = {"repo_url": "https://git.example.net/me/shop.git", "credential_id": second}

    changed = await quiet_api.client.patch("/v1/apps/shop", json={"source": elsewhere})

    assert changed.json()["source"]["credential_id"] == second
    assert (await sent_by(quiet_api)).password == "other"


@pytest.mark.parametrize(
    "source", [{"type": "image", "image": "nginx", "repo_url": None}, {"type": "upload", "repo_url": None}]
)
async def test_a_source_without_a_repository_drops_it(quiet_api: ApiServer, source: dict[str, object]) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    await app_with(quiet_api, credential)
    changed = await quiet_api.client.patch("/v1/apps/shop", json={"source": source})
    assert changed.json()["source"]["credential_id"] is None


async def test_one_that_is_used_stays(quiet_api: ApiServer) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    await app_with(quiet_api, credential)

    refused = await quiet_api.client.delete("/v1/git-credentials/main")

    assert (refused.status_code, "used by shop" in refused.text) == (409, True)
    assert (await quiet_api.client.get("/v1/git-credentials/main")).json()["apps"] == ["shop"]
    await quiet_api.client.patch("/v1/apps/shop", json={"source": {"credential_id": None}})
    assert (await quiet_api.client.delete("/v1/git-credentials/main")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"generate": True},
        {"password": "x", "username": "u"},
        {"token": "a", "private_key": "b"},
        {"host": "evil.net"},
        {"name": "x"},
    ],
)
async def test_it_is_renewed_with_its_own_kind_only(quiet_api: ApiServer, body: dict[str, object]) -> None:
    credential = (await add(quiet_api, token=SECRET)).json()["id"]
    await app_with(quiet_api, credential)
    assert (await quiet_api.client.patch("/v1/git-credentials/main", json=body)).status_code == 422
    assert (await sent_by(quiet_api)).password == SECRET


async def test_a_renewed_one_is_used_by_the_same_apps(quiet_api: ApiServer) -> None:
    credential = (await add(quiet_api, token="expired")).json()["id"]
    await app_with(quiet_api, credential)
    key = (await add(quiet_api, name="key", generate=True)).json()
    line = f"git.example.com {key['public_key']}"

    renewed = await quiet_api.client.patch("/v1/git-credentials/main", json={"token": SECRET})
    other = await quiet_api.client.patch("/v1/git-credentials/key", json={"generate": True, "known_hosts": line})

    assert SECRET not in renewed.text
    assert (await sent_by(quiet_api)).password == SECRET
    assert other.json()["public_key"] != key["public_key"]
    assert other.json()["known_hosts"] == line


@pytest.mark.parametrize(
    "repo_url",
    ["https://evil.net/a", "https://127.0.0.1/a", "file:///etc", "ext::sh -c id", "ssh://git@git.example.com/a"],
)
async def test_a_test_asks_only_the_host_of_the_credential(quiet_api: ApiServer, repo_url: str) -> None:
    await add(quiet_api, token=SECRET)
    answer = await quiet_api.client.post("/v1/git-credentials/main/test", json={"repo_url": repo_url})
    assert answer.status_code == 422
    assert SECRET not in answer.text


def _another(api: ApiServer) -> str:
    def add_one(session: Session) -> str:
        organization = Organization(id=new_id("org"), slug="other", name="Other", created_at=api.context.clock.now())
        session.add(organization)
        return organization.id

    with api.context.database.write() as session:
        return add_one(session)
