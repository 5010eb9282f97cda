"""The identity of a CI job, exchanged: which tokens are refused and why, and that a good one deploys one app, briefly."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from slipyard.store.tables import Token
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.api.identity_issuer import Issuer, SigningKey, encoded
from tests.flow.system import System

AUDIENCE = "http://127.0.0.1:7007"
GITHUB = {"repository": "acme/shop", "ref": "refs/heads/main", "ref_type": "branch", "run_id": "42", "aud": AUDIENCE}
GITLAB = {"project_path": "acme/shop", "ref": "main", "ref_type": "branch", "pipeline_id": "7", "aud": AUDIENCE}
WEAK = SigningKey("weak", bits=1024)
OTHER_CURVE = SigningKey("p384", curve=ec.SECP384R1())
STRANGER = SigningKey("one")


@pytest.fixture
def issuer():
    with Issuer().serving() as running:
        yield running


@pytest.fixture
async def api(system: System) -> AsyncIterator[ApiServer]:
    settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
    async with serving(system, replace(system.context, settings=settings), working=False) as server:
        for name in ("shop", "blog"):
            body = {
                "name": name,
                "source": {"type": "image", "image": f"registry.example.org/{name}:1"},
                "deploy": False,
            }
            assert (await server.client.post("/v1/apps", json=body)).status_code == 201
        yield server


async def trust(api: ApiServer, issuer: Issuer, app: str = "shop", **other: str) -> dict[str, str]:
    body = {"issuer": issuer.url, "repository": "acme/shop"} | other
    answer = await api.client.post(f"/v1/apps/{app}/ci-trusts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def exchange(api: ApiServer, token: str, app: str | None = None) -> tuple[int, dict]:
    body = {"token": token} | ({"app": app} if app else {})
    answer = await api.client_of(None).post("/v1/auth/ci-exchange", json=body)
    return answer.status_code, answer.json()


async def refused(api: ApiServer, token: str, status: int, words: str) -> None:
    found, body = await exchange(api, token)
    assert (found, words in body["error"]["message"]) == (status, True), body
    assert len(token) < 20 or token not in json.dumps(body)


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "e30.e30.", "bnVsbA.bnVsbA.x", "W10.W10.x", "é.é.é", "[" * 9000])
async def test_what_is_no_token_is_refused_before_anything_is_fetched(
    api: ApiServer, issuer: Issuer, token: str
) -> None:
    await trust(api, issuer)
    await refused(api, token, 401, "no identity token")
    assert issuer.asked == []


async def test_an_issuer_that_nobody_trusts_is_never_asked(api: ApiServer, issuer: Issuer) -> None:
    await refused(api, issuer.token(**GITHUB), 401, "No app here trusts the issuer")
    assert issuer.asked == []


BAD_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"exp": int(time.time()) - 120}, "expired"),
    ({"nbf": int(time.time()) + 600}, "not yet valid"),
    ({"exp": None}, "exp"),
    ({"iat": None}, "iat"),
    ({"aud": None}, "aud"),
    ({"aud": [AUDIENCE, "https://other.example.org"]}, "several audiences"),
    ({"aud": {"a": 1}}, "several audiences"),
    ({"repository": None}, "names no repository"),
    ({"repository": ["acme/shop"]}, "names no repository"),
    ({"event_name": "pull_request_target"}, "pull_request_target"),
]


async def test_a_token_of_a_wrong_time_or_without_its_claims_is_refused(api: ApiServer, issuer: Issuer) -> None:
    await trust(api, issuer)
    for claims, words in BAD_CLAIMS:
        await refused(api, issuer.token(**GITHUB | claims), 401, words)


async def test_a_token_that_is_signed_otherwise_is_refused(api: ApiServer, issuer: Issuer) -> None:
    await trust(api, issuer)
    good = issuer.token(**GITHUB)
    head, body, signature = good.split(".")
    none = f"{encoded(json.dumps({'alg': 'none', 'kid': 'one'}).encode())}.{body}."
    public = json.dumps(issuer.keys[0].public).encode()
    confused = f"{encoded(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode())}.{body}"
    by_hash = f"{confused}.{encoded(hmac.digest(public, confused.encode(), hashlib.sha256))}"
    forged = issuer.token(STRANGER, **GITHUB)
    changed = f"{head}.{encoded(json.dumps(GITHUB | {'iss': issuer.url, 'exp': 9999999999}).encode())}.{signature}"
    for token in (
        none,
        by_hash,
        forged,
        changed,
        f"{head}.{body}.AAAA",
        issuer.token(**GITHUB, header={"crit": ["x"]}),
    ):
        status, answer = await exchange(api, token)
        assert (status, answer["error"]["code"]) == (401, "unauthorized"), token


@pytest.mark.parametrize("key", [WEAK, OTHER_CURVE], ids=["1024 bits", "another curve"])
async def test_a_key_that_is_too_weak_or_of_another_kind_is_refused(
    api: ApiServer, issuer: Issuer, key: SigningKey
) -> None:
    await trust(api, issuer)
    public = WEAK.public if key is WEAK else {"kty": "EC", "crv": "P-384", "kid": key.key_id, "x": "AA", "y": "AA"}
    issuer.shown.append(public)
    status, answer = await exchange(api, issuer.token(key, **GITHUB))
    assert (status, answer["error"]["code"]) == (401, "unauthorized")


OTHER_JOBS: list[tuple[dict[str, Any], str]] = [
    ({"repository": "acme/shop2"}, "No app here trusts CI jobs of acme/shop2"),
    ({"repository": "evil/shop"}, "No app here trusts CI jobs of evil/shop"),
    ({"ref": "refs/heads/main2"}, "may deploy from refs/heads/main"),
    ({"ref": "refs/heads/feature/main"}, "may deploy from refs/heads/main"),
    ({"ref": "refs/pull/7/merge"}, "may deploy from refs/heads/main"),
    ({"ref": "refs/tags/main", "ref_type": "tag"}, "may deploy from refs/heads/main"),
    ({"aud": "https://other.example.org"}, f"the audience {AUDIENCE}"),
]


async def test_a_good_token_of_another_job_is_told_what_is_trusted(api: ApiServer, issuer: Issuer) -> None:
    await trust(api, issuer)
    for claims, words in OTHER_JOBS:
        await refused(api, issuer.token(**GITHUB | claims), 403, words)


async def test_a_tag_named_like_the_branch_is_not_the_branch_at_gitlab(api: ApiServer, issuer: Issuer) -> None:
    await trust(api, issuer)
    await refused(api, issuer.token(**GITLAB | {"ref_type": "tag"}), 403, "refs/tags/main")
    await refused(api, issuer.token(**GITLAB | {"ref": "refs/heads/main"}), 403, "refs/heads/refs/heads/main")
    assert (await exchange(api, issuer.token(**GITLAB)))[0] == 200


async def test_the_keys_are_asked_for_once_and_an_unknown_one_once_a_minute(
    api: ApiServer, issuer: Issuer, system: System
) -> None:
    await trust(api, issuer)
    for _ in range(3):
        assert (await exchange(api, issuer.token(**GITHUB)))[0] == 200
    assert len(issuer.asked) == 2, "what it says of itself, and its keys"

    new = SigningKey("two", curve=ec.SECP256R1())
    issuer.shown.append(new.public)
    for _ in range(3):
        await refused(api, issuer.token(new, **GITHUB), 401, "does not show")
    assert len(issuer.asked) == 2
    system.clock.ahead += 61
    assert (await exchange(api, issuer.token(new, **GITHUB)))[0] == 200
    assert len(issuer.asked) == 4


async def test_an_issuer_that_is_away_is_said_and_known_keys_go_on_being_good(
    api: ApiServer, issuer: Issuer, system: System
) -> None:
    await trust(api, issuer)
    issuer.away = True
    for _ in range(3):
        status, answer = await exchange(api, issuer.token(**GITHUB))
        assert (status, answer["error"]["code"]) == (503, "unavailable")
    assert len(issuer.asked) == 1
    issuer.away = False
    system.clock.ahead += 61
    assert (await exchange(api, issuer.token(**GITHUB)))[0] == 200
    issuer.away = True
    system.clock.ahead += 7200
    assert (await exchange(api, issuer.token(**GITHUB)))[0] == 200


async def test_a_job_that_may_deploy_two_apps_says_which(api: ApiServer, issuer: Issuer) -> None:
    await trust(api, issuer)
    await trust(api, issuer, "blog")
    token = issuer.token(**GITHUB)
    status, answer = await exchange(api, token)
    assert (status, "blog, shop" in answer["error"]["message"]) == (422, True)
    status, answer = await exchange(api, token, "wiki")
    assert (status, answer["error"]["code"]) == (403, "insufficient_scope")
    assert (await exchange(api, token, "blog"))[1]["app"] == "blog"


async def test_the_token_deploys_this_app_alone_and_not_for_long(
    api: ApiServer, issuer: Issuer, system: System
) -> None:
    await trust(api, issuer, repository="Acme/Shop", ref="refs/heads/*")
    status, made = await exchange(api, issuer.token(**GITHUB))
    assert (status, made["scopes"], made["app"]) == (200, ["apps:deploy"], "shop")
    job = api.client_of(made["token"])

    done = await job.post("/v1/apps/shop/deploy/image", json={"image_uri": "registry.example.org/shop:2"})
    assert done.status_code == 202
    assert (await job.post("/v1/apps/blog/deploy", json={})).status_code == 404
    assert (await job.get("/v1/apps/shop/env")).status_code == 403
    assert (await job.post("/v1/tokens", json={"name": "x", "scopes": ["admin"]})).status_code == 404
    deployment = (await api.client.get("/v1/apps/shop/deployments")).json()["deployments"][0]
    assert deployment["actor"] == "acme/shop run 42"
    with system.context.database.read() as session:
        token = session.get_one(Token, (await api.client.get("/v1/tokens")).json()["tokens"][0]["id"])
    assert 0 < (token.expires_at - token.created_at).total_seconds() <= 900


@pytest.mark.parametrize(("claims", "number"), [(GITHUB, "repository_id"), (GITLAB, "project_id")])
async def test_a_repository_of_the_same_name_that_came_later_is_refused(
    api: ApiServer, issuer: Issuer, claims: dict[str, Any], number: str
) -> None:
    await trust(api, issuer)
    await trust(api, issuer, ref="refs/tags/v*")
    first = await exchange(api, issuer.token(**claims | {number: "74"}))
    assert first[0] == 200, first[1]
    later = await trust(api, issuer, ref="refs/heads/next")

    tag = {"ref": "refs/tags/v1" if claims is GITHUB else "v1", "ref_type": "tag"}
    next_one = {"ref": "refs/heads/next" if claims is GITHUB else "next"}
    for other in ({}, tag, next_one):
        await refused(api, issuer.token(**claims | other | {number: "99"}), 403, "was repository 74 when its first job")
        await refused(api, issuer.token(**claims | other), 403, "this job does not say its own")
    assert (await exchange(api, issuer.token(**claims | tag | {number: "74"})))[0] == 200
    assert (await exchange(api, issuer.token(**claims | next_one | {number: 74})))[0] == 200, "as a number, too"

    trusts = (await api.client.get("/v1/apps/shop/ci-trusts")).json()["ci_trusts"]
    assert {row["repository_id"] for row in trusts} == {"74"}
    assert later["repository_id"] is None
    for row in trusts:
        await api.client.delete(f"/v1/apps/shop/ci-trusts/{row['id']}")
    await trust(api, issuer)
    assert (await exchange(api, issuer.token(**claims | {number: "99"})))[0] == 200, "added again, it is meant"


async def test_one_app_is_not_bound_by_what_another_trusts(api: ApiServer, issuer: Issuer) -> None:
    await trust(api, issuer)
    await trust(api, issuer, "blog")
    assert (await exchange(api, issuer.token(**GITHUB | {"repository_id": "1"}), "shop"))[0] == 200
    assert (await exchange(api, issuer.token(**GITHUB | {"repository_id": "2"}), "blog"))[0] == 200


async def test_a_job_approves_nothing(api: ApiServer, issuer: Issuer) -> None:
    """Whoever pushes starts a job."""
    await trust(api, issuer)
    await api.client.patch("/v1/apps/shop", json={"protected": True})
    asked = (await api.client.post("/v1/apps/shop/deploy")).json()
    _, exchanged = await exchange(api, issuer.token(**GITHUB))

    async with api.client_of(exchanged["token"]) as job:
        refused = await job.post(f"/v1/apps/shop/deployments/{asked['deployment_id']}/approve")

    assert refused.status_code == 403
    assert "waits for a person" in refused.json()["error"]["message"]


async def test_trust_is_listed_given_once_and_taken_back(api: ApiServer, issuer: Issuer) -> None:
    made, again = await trust(api, issuer), await trust(api, issuer)
    assert made == again
    assert (made["ref"], made["audience"]) == ("refs/heads/main", AUDIENCE)
    assert (await api.client.get("/v1/apps/shop/ci-trusts")).json()["total"] == 1
    path = f"/v1/apps/shop/ci-trusts/{made['id']}"
    assert (await api.client.delete(path.replace("shop", "blog"))).status_code == 404
    assert (await api.client.delete(path)).status_code == 200
    assert (await api.client.delete(path)).status_code == 404
    assert (await exchange(api, issuer.token(**GITHUB)))[0] == 401


NO_TRUSTS: list[dict[str, str]] = [
    {},
    {"repository": "acme/shop"},
    {"provider": "github", "repository": "shop"},
    {"provider": "github", "issuer": "https://a.example.org", "repository": "acme/shop"},
    {"issuer": "http://169.254.169.254", "repository": "acme/shop"},
    {"issuer": "ftp://a", "repository": "acme/shop"},
    {"provider": "github", "repository": "acme/shop", "ref": "main"},
]


async def test_a_trust_that_means_nothing_is_refused(api: ApiServer) -> None:
    for body in NO_TRUSTS:
        assert (await api.client.post("/v1/apps/shop/ci-trusts", json=body)).status_code == 422, body
