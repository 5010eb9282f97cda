"""Gitea and Forgejo: method, path, headers and body as their API v1 says, and its documented answers."""

import pytest

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.clients.code_hosts.gitea import Gitea
from slipyard.domain.errors import CodeHostRefused

COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
KEY = "ssh-ed25519 AAAAC3Nza ours"
REPO = "/repos/octo/hello"
HOOK = HostedHook("https://slip.example/webhooks/gitea/hok_1", "s3cret")


@pytest.fixture(params=["Gitea", "Forgejo"])
def gitea(request, http, server):
    return Gitea(http, server.url, "t0ken", request.param)


async def test_the_token_in_its_own_scheme(gitea, server):
    server.on("GET", "/user", 200, {"id": 1, "login": "octo"})
    assert await gitea.account() == "octo"
    assert server.asked[0].headers["authorization"] == "token t0ken"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.PENDING, "pending"),
        (State.SUCCESS, "success"),
        (State.FAILURE, "failure"),
        (State.CANCELLED, "warning"),
        (State.SKIPPED, "warning"),
    ],
)
async def test_a_status(gitea, server, state, word):
    server.on("POST", f"{REPO}/statuses/{COMMIT}", 201, {"status": word})
    await gitea.set_status("octo/hello", CommitStatus(COMMIT, state, "slipyard/shop", "up", "https://shop"))
    assert server.asked[0].body == {
        "state": word,
        "context": "slipyard/shop",
        "description": "up",
        "target_url": "https://shop",
    }


async def test_a_hook_of_its_own_type_is_made_once_and_then_changed(gitea, server):
    server.on("GET", f"{REPO}/hooks?limit=50", 200, [])
    server.on("GET", f"{REPO}/hooks?limit=50", 200, [{"id": 3, "config": {"url": HOOK.url}}])
    server.on("POST", f"{REPO}/hooks", 201, {"id": 3})
    server.on("PATCH", f"{REPO}/hooks/3", 200, {"id": 3})

    assert await gitea.create_hook("octo/hello", HOOK) == "3"
    assert await gitea.create_hook("octo/hello", HOOK) == "3"

    (made,), (changed,) = server.bodies("POST", f"{REPO}/hooks"), server.bodies("PATCH", f"{REPO}/hooks/3")
    assert made.pop("type") in {"gitea", "forgejo"}
    assert made == changed
    assert made["config"] == {"url": HOOK.url, "content_type": "json", "secret": "s3cret"}
    assert {"push", "pull_request", "pull_request_sync"} <= set(made["events"])
    assert made["active"] is True


async def test_keys_are_there_once_and_gone_is_gone(gitea, server):
    server.on("GET", f"{REPO}/keys?limit=50", 200, [])
    server.on("GET", f"{REPO}/keys?limit=50", 200, [{"id": 9, "key": "ssh-ed25519 AAAAC3Nza"}])
    server.on("POST", f"{REPO}/keys", 201, {"id": 9})
    server.on("DELETE", f"{REPO}/keys/9", 404)
    server.on("DELETE", f"{REPO}/hooks/3", 404)

    assert await gitea.add_deploy_key("octo/hello", "Slipyard", KEY) == "9"
    assert await gitea.add_deploy_key("octo/hello", "Slipyard", KEY) == "9"
    await gitea.delete_deploy_key("octo/hello", "9")
    await gitea.delete_hook("octo/hello", "3")

    assert server.bodies("POST", f"{REPO}/keys") == [{"title": "Slipyard", "key": KEY, "read_only": True}]


async def test_open_requests_and_forks(gitea, server):
    def pull(number, head_repo):
        return {
            "number": number,
            "title": "t",
            "html_url": "https://pr",
            "user": {"login": "dev"},
            "head": {"ref": "feature", "sha": COMMIT, "repo_id": head_repo},
            "base": {"ref": "main", "sha": COMMIT, "repo_id": 1},
        }

    path = f"{REPO}/pulls?state=open&limit=50"
    link = f'<{server.url}{path}&page=2>; rel="next",<{server.url}{path}&page=2>; rel="last"'
    server.on("GET", path, 200, [pull(1, 1)], headers={"Link": link})
    server.on("GET", f"{path}&page=2", 200, [pull(2, 5)])

    found = await gitea.open_requests("octo/hello")

    assert [(each.number, each.fork, each.head_commit) for each in found] == [(1, False, COMMIT), (2, True, COMMIT)]


async def test_a_comment_is_edited_or_written_anew(gitea, server):
    server.on("PATCH", f"{REPO}/issues/comments/5", 200, {"id": 5})
    server.on("PATCH", f"{REPO}/issues/comments/6", 404)
    server.on("POST", f"{REPO}/issues/3/comments", 201, {"id": 77})

    assert await gitea.comment("octo/hello", 3, "hi", "5") == "5"
    assert await gitea.comment("octo/hello", 3, "hi", "6") == "77"


async def test_who_does_not_administer_is_told(gitea, server):
    server.on("GET", REPO, 200, {"permissions": {"admin": False, "push": True, "pull": True}})
    with pytest.raises(CodeHostRefused, match="does not administer"):
        await gitea.check_repository("octo/hello")
