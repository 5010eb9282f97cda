"""Bitbucket Cloud and Data Center: method, path, headers and body as their documentation says."""

import pytest

from slipyard.clients.code_hosts.bitbucket import Bitbucket
from slipyard.clients.code_hosts.bitbucket_server import BitbucketServer
from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.domain.errors import CodeHostRefused

COMMIT = "e10dae226959c2194f2b07b077c07762d93821cf"
KEY = "ssh-ed25519 AAAAC3Nza ours"
REPO = "/repositories/team/shop"
PROJECT = "/projects/TEAM/repos/shop"
HOOK = HostedHook("https://slip.example/webhooks/bitbucket/hok_1", "s3cret")
UID = "{d0a6eea2}"


@pytest.fixture
def cloud(http, server):
    return Bitbucket(http, server.url, "ATCTT3x")


@pytest.fixture
def center(http, server):
    return BitbucketServer(http, server.url, "t0ken")


async def test_an_access_token_is_a_bearer_and_belongs_to_no_account(cloud, server):
    server.on("GET", "/user", 403, {"type": "error", "error": {"message": "not accessible by this mechanism"}})
    assert await cloud.account() == "an access token"
    assert server.asked[0].headers["authorization"] == "Bearer ATCTT3x"


async def test_the_token_of_a_person_goes_with_their_address(http, server):
    server.on("GET", "/user", 200, {"username": "dev", "display_name": "Dev"})
    assert await Bitbucket(http, server.url, "dev@example.org:ATATT3x").account() == "dev"
    assert server.asked[0].headers["authorization"] == "Basic ZGV2QGV4YW1wbGUub3JnOkFUQVRUM3g="


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.PENDING, "INPROGRESS"),
        (State.SUCCESS, "SUCCESSFUL"),
        (State.FAILURE, "FAILED"),
        (State.CANCELLED, "STOPPED"),
        (State.SKIPPED, "STOPPED"),
    ],
)
async def test_a_build_status_has_always_a_url(cloud, server, state, word):
    path = f"{REPO}/commit/{COMMIT}/statuses/build"
    server.on("POST", path, 201, {"state": word})
    await cloud.set_status("team/shop", CommitStatus(COMMIT, state, "slipyard/shop", "up"))
    assert server.asked[0].body == {
        "key": "slipyard/shop",
        "name": "slipyard/shop",
        "state": word,
        "description": "up",
        "url": f"https://bitbucket.org/team/shop/commits/{COMMIT}",
    }


async def test_long_names_stay_apart_within_40_characters(cloud, server):
    path = f"{REPO}/commit/{COMMIT}/statuses/build"
    server.on("POST", path, 201, {})
    for end in ("one", "two"):
        context = f"slipyard/{'x' * 40}-{end}"
        await cloud.set_status("team/shop", CommitStatus(COMMIT, State.SUCCESS, context, "up", "https://shop"))
    keys = [body["key"] for body in server.bodies("POST", path)]
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {40}


async def test_hooks_are_found_on_every_page_and_named_by_their_braces(cloud, server):
    path = f"{REPO}/hooks?pagelen=50"
    server.on("GET", path, 200, {"values": [], "next": f"{server.url}{path}&page=2"})
    server.on("GET", f"{path}&page=2", 200, {"values": [{"uuid": UID, "url": HOOK.url}]})
    server.on("PUT", f"{REPO}/hooks/%7Bd0a6eea2%7D", 200, {"uuid": UID})
    server.on("DELETE", f"{REPO}/hooks/%7Bd0a6eea2%7D", 404, {"type": "error", "error": {"message": "gone"}})

    assert await cloud.create_hook("team/shop", HOOK) == UID
    await cloud.delete_hook("team/shop", UID)


async def test_a_new_hook(cloud, server):
    server.on("GET", f"{REPO}/hooks?pagelen=50", 200, {"values": []})
    server.on("POST", f"{REPO}/hooks", 201, {"uuid": UID})
    assert await cloud.create_hook("team/shop", HOOK) == UID
    body = server.asked[-1].body
    assert (body["url"], body["secret"], body["active"]) == (HOOK.url, "s3cret", True)
    assert {"repo:push", "pullrequest:created", "pullrequest:fulfilled", "pullrequest:rejected"} <= set(body["events"])


async def test_deploy_keys(cloud, server):
    server.on("GET", f"{REPO}/deploy-keys?pagelen=50", 200, {"values": []})
    server.on("POST", f"{REPO}/deploy-keys", 200, {"id": 8, "key": KEY})
    server.on("DELETE", f"{REPO}/deploy-keys/8", 204)
    assert await cloud.add_deploy_key("team/shop", "Slipyard", KEY) == "8"
    await cloud.delete_deploy_key("team/shop", "8")
    assert server.bodies("POST", f"{REPO}/deploy-keys") == [{"label": "Slipyard", "key": KEY}]


async def test_open_requests_and_comments(cloud, server):
    def request(number, source):
        return {
            "id": number,
            "title": "t",
            "author": {"display_name": "Dev"},
            "links": {"html": {"href": "https://pr"}},
            "source": {"branch": {"name": "feature"}, "commit": {"hash": "e10dae226959"}, "repository": source},
            "destination": {"branch": {"name": "main"}, "repository": {"full_name": "team/shop"}},
        }

    values = [request(1, {"full_name": "team/shop"}), request(2, {"full_name": "me/shop"}), request(3, None)]
    server.on("GET", f"{REPO}/pullrequests?state=OPEN&pagelen=50", 200, {"values": values})
    server.on("PUT", f"{REPO}/pullrequests/1/comments/6", 404, {"type": "error", "error": {"message": "gone"}})
    server.on("POST", f"{REPO}/pullrequests/1/comments", 201, {"id": 77})

    found = await cloud.open_requests("team/shop")

    assert [(each.number, each.fork, each.head_commit) for each in found] == [
        (1, False, "e10dae226959"),
        (2, True, "e10dae226959"),
        (3, True, "e10dae226959"),
    ]
    assert await cloud.comment("team/shop", 1, "hi", "6") == "77"
    assert server.bodies("POST", f"{REPO}/pullrequests/1/comments") == [{"content": {"raw": "hi"}}]


async def test_data_center_names_who_asks_in_a_header_and_strangers_are_refused(center, server):
    server.on("GET", "/api/latest/repos?limit=1", 200, {"values": []}, headers={"X-AUSERNAME": "dev"})
    server.on("GET", "/api/latest/repos?limit=1", 200, {"values": []})
    assert await center.account() == "dev"
    assert server.asked[0].headers["authorization"] == "Bearer t0ken"
    with pytest.raises(CodeHostRefused, match="does not know this token"):
        await center.account()


async def test_data_center_status_hook_and_key(center, server):
    server.on("POST", f"/api/latest{PROJECT}/commits/{COMMIT}/builds", 204)
    server.on("GET", f"/api/latest{PROJECT}/webhooks?limit=100&start=0", 200, {"values": [], "isLastPage": True})
    server.on("POST", f"/api/latest{PROJECT}/webhooks", 201, {"id": 10})
    keys = f"/keys/latest{PROJECT}/ssh"
    more = {"values": [], "isLastPage": False, "nextPageStart": 25}
    server.on("GET", f"{keys}?limit=100&start=0", 200, more)
    there = {"values": [{"key": {"id": 4, "text": "ssh-ed25519 AAAAC3Nza"}}], "isLastPage": True}
    server.on("GET", f"{keys}?limit=100&start=25", 200, there)

    await center.set_status("TEAM/shop", CommitStatus(COMMIT, State.FAILURE, "slipyard/shop", "no", "https://x"))
    assert await center.create_hook("TEAM/shop", HOOK) == "10"
    assert await center.add_deploy_key("TEAM/shop", "Slipyard", KEY) == "4"

    assert server.asked[0].body["state"] == "FAILED"
    (made,) = server.bodies("POST", f"/api/latest{PROJECT}/webhooks")
    assert made["configuration"] == {"secret": "s3cret"}
    assert {"repo:refs_changed", "pr:opened", "pr:from_ref_updated", "pr:merged", "pr:declined"} <= set(made["events"])


async def test_data_center_edits_the_version_that_it_read(center, server):
    comments = f"/api/latest{PROJECT}/pull-requests/3/comments"
    server.on("GET", f"{comments}/5", 200, {"id": 5, "version": 4, "text": "old"})
    server.on("PUT", f"{comments}/5", 200, {"id": 5})
    server.on("GET", f"{comments}/6", 404, {"errors": [{"message": "gone"}]})
    server.on("POST", comments, 201, {"id": 77})

    assert await center.comment("TEAM/shop", 3, "hi", "5") == "5"
    assert await center.comment("TEAM/shop", 3, "hi", "6") == "77"
    assert server.bodies("PUT", f"{comments}/5") == [{"text": "hi", "version": 4}]


async def test_data_center_open_requests(center, server):
    def request(number, source):
        return {
            "id": number,
            "title": "t",
            "author": {"user": {"name": "dev"}},
            "links": {"self": [{"href": "https://pr"}]},
            "fromRef": {"displayId": "feature", "latestCommit": COMMIT, "repository": {"id": source}},
            "toRef": {"displayId": "main", "latestCommit": "x", "repository": {"id": 1}},
        }

    path = f"/api/latest{PROJECT}/pull-requests?state=OPEN&limit=100&start=0"
    server.on("GET", path, 200, {"values": [request(1, 1), request(2, 2)], "isLastPage": True})
    found = await center.open_requests("TEAM/shop")
    assert [(each.number, each.fork, each.url) for each in found] == [(1, False, "https://pr"), (2, True, "https://pr")]
