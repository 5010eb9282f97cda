"""GitHub: method, path, headers and body as docs.github.com/rest says, and its documented answers."""

import json

import pytest

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedDeployment, HostedHook, State
from slipyard.clients.code_hosts.github import GitHub
from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.errors import CodeHostRefused
from tests.flow.code_hosts.scripted_server import ScriptedServer

COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
KEY = "ssh-ed25519 AAAAC3Nza ours"
REPO = "/repos/octo/hello"
HOOK = HostedHook("https://slip.example/webhooks/github/hok_1", "s3cret")

WANTED = HostedDeployment("dep_1:github:con_1", COMMIT, "production (shop)", "by Slipyard")


@pytest.fixture
def github(http, server: ScriptedServer) -> GitHub:
    return GitHub(http, server.url, "ghp_token")


async def test_every_call_carries_the_token_and_the_version_of_the_api(github, server):
    server.on("GET", "/user", 200, {"login": "octocat", "id": 1})

    assert await github.account() == "octocat"

    headers = server.asked[0].headers
    assert headers["authorization"] == "Bearer ghp_token"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["user-agent"], "GitHub refuses requests without one"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.PENDING, "pending"),
        (State.SUCCESS, "success"),
        (State.FAILURE, "failure"),
        (State.CANCELLED, "error"),
        (State.SKIPPED, "success"),
    ],
)
async def test_a_status_in_its_words_and_within_its_lengths(github, server, state, word):
    server.on("POST", f"{REPO}/statuses/{COMMIT}", 201, {"id": 1, "state": word})

    await github.set_status("octo/hello", CommitStatus(COMMIT, state, "slipyard/shop", "x" * 200, "https://shop"))

    assert server.asked[0].headers["content-type"] == "application/json"
    assert server.asked[0].body == {
        "state": word,
        "context": "slipyard/shop",
        "description": "x" * 140,
        "target_url": "https://shop",
    }


async def test_a_commit_that_github_does_not_know_is_said_in_its_own_words(github, server):
    said = {"message": f"No commit found for SHA: {COMMIT}", "documentation_url": "https://docs", "status": "422"}
    server.on("POST", f"{REPO}/statuses/{COMMIT}", 422, said)

    with pytest.raises(CodeHostRefused, match="No commit found for SHA"):
        await github.set_status("octo/hello", CommitStatus(COMMIT, State.SUCCESS, "slipyard/shop", "up"))


async def test_a_hook_is_made_where_there_is_none(github, server):
    server.on("GET", f"{REPO}/hooks?per_page=100", 200, [{"id": 1, "config": {"url": "https://elsewhere"}}])
    server.on("POST", f"{REPO}/hooks", 201, {"id": 12345678})

    assert await github.create_hook("octo/hello", HOOK) == "12345678"

    assert server.asked[-1].body == {
        "name": "web",
        "active": True,
        "events": ["push", "status", "check_run", "pull_request"],
        "config": {"url": HOOK.url, "content_type": "json", "secret": "s3cret", "insecure_ssl": "0"},
    }


async def test_a_hook_with_our_url_is_changed_and_not_doubled_even_on_the_second_page(github, server):
    link = f'<{server.url}{REPO}/hooks?per_page=100&page=2>; rel="next", <{server.url}/x>; rel="last"'
    server.on("GET", f"{REPO}/hooks?per_page=100", 200, [], headers={"Link": link})
    server.on("GET", f"{REPO}/hooks?per_page=100&page=2", 200, [{"id": 7, "config": {"url": HOOK.url}}])
    server.on("PATCH", f"{REPO}/hooks/7", 200, {"id": 7})

    assert await github.create_hook("octo/hello", HOOK) == "7"
    assert not [call for call in server.calls if call.startswith("POST")]


async def test_what_is_gone_already_is_deleted(github, server):
    server.on("DELETE", f"{REPO}/hooks/7", 404, {"message": "Not Found"})
    server.on("DELETE", f"{REPO}/keys/8", 204)

    await github.delete_hook("octo/hello", "7")
    await github.delete_deploy_key("octo/hello", "8")


async def test_a_deploy_key_reads_only_and_is_there_once(github, server):
    server.on("GET", f"{REPO}/keys?per_page=100", 200, [])
    server.on("GET", f"{REPO}/keys?per_page=100", 200, [{"id": 9, "key": "ssh-ed25519 AAAAC3Nza"}])
    server.on("POST", f"{REPO}/keys", 201, {"id": 9})

    assert await github.add_deploy_key("octo/hello", "Slipyard", KEY) == "9"
    assert await github.add_deploy_key("octo/hello", "Slipyard", KEY) == "9"

    assert server.bodies("POST", f"{REPO}/keys") == [{"title": "Slipyard", "key": KEY, "read_only": True}]


async def test_open_requests_know_forks_and_heads_that_are_gone(github, server):
    def pull(number, head_repo):
        return {
            "number": number,
            "title": "t",
            "html_url": "https://pr",
            "user": {"login": "dev"},
            "head": {"ref": "feature", "sha": COMMIT, "repo": head_repo},
            "base": {"ref": "main", "repo": {"id": 1}},
        }

    pulls = [pull(1, {"id": 1}), pull(2, {"id": 2}), pull(3, None)]
    server.on("GET", f"{REPO}/pulls?state=open&per_page=100", 200, pulls)

    found = await github.open_requests("octo/hello")

    assert [each.fork for each in found] == [False, True, True]
    assert found[0] == RequestChange(
        1, RequestMove.UPDATED, "feature", COMMIT, "main", fork=False, title="t", author="dev", url="https://pr"
    )


async def test_a_comment_is_edited_and_written_anew_where_somebody_deleted_it(github, server):
    server.on("PATCH", f"{REPO}/issues/comments/5", 200, {"id": 5})
    server.on("PATCH", f"{REPO}/issues/comments/6", 404, {"message": "Not Found"})
    server.on("POST", f"{REPO}/issues/3/comments", 201, {"id": 77})

    assert await github.comment("octo/hello", 3, "hi", "5") == "5"
    assert await github.comment("octo/hello", 3, "hi", "6") == "77"
    assert server.bodies("POST", f"{REPO}/issues/3/comments") == [{"body": "hi"}]


async def test_a_deployment_neither_merges_nor_waits_for_statuses(github, server):
    server.on("POST", f"{REPO}/deployments", 201, {"id": 42})
    server.on("POST", f"{REPO}/deployments/42/statuses", 201, {"id": 1})

    assert await github.create_deployment("octo/hello", WANTED) == "42"
    await github.set_deployment_status("octo/hello", "42", "success", "https://shop", "")

    assert server.bodies("POST", f"{REPO}/deployments") == [
        {
            "ref": COMMIT,
            "environment": "production (shop)",
            "description": "by Slipyard",
            "payload": {"slipyard_deployment": "dep_1:github:con_1"},
            "auto_merge": False,
            "required_contexts": [],
        }
    ]
    assert server.asked[-1].body == {"state": "success", "environment_url": "https://shop"}


async def test_a_deployment_that_was_made_is_found_by_its_name_whatever_else_is_there(github, server):
    path = f"{REPO}/deployments?sha={COMMIT}&environment=production+%28shop%29&per_page=100"
    ours = {"slipyard_deployment": WANTED.name}
    others = [{}, "", "{", "[1]", None, ours | {"slipyard_deployment": "dep_0:github:con_1"}]
    there = [{"id": number, "payload": payload} for number, payload in enumerate(others)]
    server.on("GET", path, 200, there)
    server.on("GET", path, 200, [*there, {"id": 42, "payload": ours}])
    server.on("GET", path, 200, [*there, {"id": 43, "payload": json.dumps(ours)}])

    assert [await github.find_deployment("octo/hello", WANTED) for _ in range(3)] == [None, "42", "43"]


@pytest.mark.parametrize(("rights", "refused"), [({"admin": True}, False), ({"admin": False, "push": True}, True)])
async def test_a_repository_that_the_token_does_not_administer_is_said(github, server, rights, refused):
    server.on("GET", REPO, 200, {"full_name": "octo/hello", "permissions": rights})
    if not refused:
        await github.check_repository("octo/hello")
        return
    with pytest.raises(CodeHostRefused, match="does not administer"):
        await github.check_repository("octo/hello")


async def test_a_renamed_repository_is_followed_on_the_same_host_with_the_same_request(github, server):
    there = {"Location": f"{server.url}/repositories/1/statuses/{COMMIT}"}
    server.on("POST", f"{REPO}/statuses/{COMMIT}", 307, {"message": "Temporary Redirect"}, headers=there)
    server.on("POST", f"/repositories/1/statuses/{COMMIT}", 201, {"id": 1})

    await github.set_status("octo/hello", CommitStatus(COMMIT, State.SUCCESS, "slipyard/shop", "up"))

    assert server.asked[1].body == server.asked[0].body
