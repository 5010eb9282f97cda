"""GitLab: method, path, headers and body as docs.gitlab.com/api says, and its documented answers."""

import pytest

from slipyard.clients.code_hosts.code_host import CommitStatus, HostedHook, State
from slipyard.clients.code_hosts.gitlab import GitLab
from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.errors import CodeHostRefused
from tests.flow.code_hosts.scripted_server import ScriptedServer

COMMIT = "18f3e63d05582537db6d183d9d557be09e1f90c8"
KEY = "ssh-ed25519 AAAAC3Nza ours"
PROJECT = "/projects/group%2Fsub%2Fshop"
REPOSITORY = "group/sub/shop"
HOOK = HostedHook("https://slip.example/webhooks/gitlab/hok_1", "s3cret", requests=False)


@pytest.fixture
def gitlab(http, server: ScriptedServer) -> GitLab:
    return GitLab(http, server.url, "glpat-token")


async def test_the_token_goes_into_its_own_header(gitlab, server):
    server.on("GET", "/user", 200, {"id": 1, "username": "john_smith"})
    assert await gitlab.account() == "john_smith"
    assert server.asked[0].headers["private-token"] == "glpat-token"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.PENDING, "running"),
        (State.SUCCESS, "success"),
        (State.FAILURE, "failed"),
        (State.CANCELLED, "canceled"),
        (State.SKIPPED, "canceled"),
    ],
)
async def test_a_status_of_a_project_in_groups(gitlab, server, state, word):
    server.on("POST", f"{PROJECT}/statuses/{COMMIT}", 201, {"status": word})

    await gitlab.set_status(REPOSITORY, CommitStatus(COMMIT, state, "slipyard/shop", "x" * 300, "https://shop"))

    assert server.asked[0].body == {
        "state": word,
        "name": "slipyard/shop",
        "description": "x" * 255,
        "target_url": "https://shop",
    }


async def test_the_same_state_twice_is_fine_although_gitlab_refuses_it(gitlab, server):
    said = {
        "message": 'Cannot transition status via :run from :running (Reason(s): Status cannot transition via "run")'
    }
    server.on("POST", f"{PROJECT}/statuses/{COMMIT}", 400, said)
    await gitlab.set_status(REPOSITORY, CommitStatus(COMMIT, State.PENDING, "slipyard/shop", "again"))


async def test_another_bad_request_is_a_refusal(gitlab, server):
    server.on("POST", f"{PROJECT}/statuses/{COMMIT}", 400, {"message": {"target_url": ["is blocked"]}})
    with pytest.raises(CodeHostRefused, match="is blocked"):
        await gitlab.set_status(REPOSITORY, CommitStatus(COMMIT, State.PENDING, "slipyard/shop", "up"))


async def test_a_hook_is_made_once_and_then_changed(gitlab, server):
    server.on("GET", f"{PROJECT}/hooks?per_page=100", 200, [])
    server.on("GET", f"{PROJECT}/hooks?per_page=100", 200, [{"id": 3, "url": HOOK.url}])
    server.on("POST", f"{PROJECT}/hooks", 201, {"id": 3})
    server.on("PUT", f"{PROJECT}/hooks/3", 200, {"id": 3})

    assert await gitlab.create_hook(REPOSITORY, HOOK) == "3"
    assert await gitlab.create_hook(REPOSITORY, HOOK) == "3"

    (made,), (changed,) = server.bodies("POST", f"{PROJECT}/hooks"), server.bodies("PUT", f"{PROJECT}/hooks/3")
    assert made == changed
    assert made == {
        "url": HOOK.url,
        "token": "s3cret",
        "push_events": True,
        "tag_push_events": True,
        "pipeline_events": True,
        "merge_requests_events": False,
        "enable_ssl_verification": True,
    }


async def test_a_deploy_key_that_is_there_is_found_and_what_is_gone_is_deleted(gitlab, server):
    server.on("GET", f"{PROJECT}/deploy_keys?per_page=100", 200, [{"id": 4, "key": "ssh-ed25519 AAAAC3Nza other"}])
    server.on("DELETE", f"{PROJECT}/deploy_keys/4", 404, {"message": "404 Deploy Key Not Found"})
    server.on("DELETE", f"{PROJECT}/hooks/3", 404, {"message": "404 Not found"})

    assert await gitlab.add_deploy_key(REPOSITORY, "Slipyard", KEY) == "4"
    await gitlab.delete_deploy_key(REPOSITORY, "4")
    await gitlab.delete_hook(REPOSITORY, "3")


async def test_a_new_deploy_key_cannot_push(gitlab, server):
    server.on("GET", f"{PROJECT}/deploy_keys?per_page=100", 200, [])
    server.on("POST", f"{PROJECT}/deploy_keys", 201, {"id": 12})
    assert await gitlab.add_deploy_key(REPOSITORY, "Slipyard", KEY) == "12"
    assert server.asked[-1].body == {"title": "Slipyard", "key": KEY, "can_push": False}


async def test_open_requests_of_all_pages(gitlab, server):
    def request(number, source_project):
        return {
            "iid": number,
            "title": "t",
            "sha": COMMIT,
            "source_branch": "feature",
            "target_branch": "main",
            "source_project_id": source_project,
            "target_project_id": 1,
            "author": {"username": "dev"},
            "web_url": "https://mr",
        }

    path = f"{PROJECT}/merge_requests?state=opened&scope=all&per_page=100"
    link = f'<{server.url}{path}&page=2>; rel="next", <{server.url}{path}&page=1>; rel="first"'
    server.on("GET", path, 200, [request(1, 1)], headers={"Link": link})
    server.on("GET", f"{path}&page=2", 200, [request(2, 9)])

    found = await gitlab.open_requests(REPOSITORY)

    assert [(each.number, each.fork) for each in found] == [(1, False), (2, True)]
    assert found[0] == RequestChange(
        1, RequestMove.UPDATED, "feature", COMMIT, "main", fork=False, title="t", author="dev", url="https://mr"
    )


async def test_a_note_is_edited_or_written_anew(gitlab, server):
    notes = f"{PROJECT}/merge_requests/3/notes"
    server.on("PUT", f"{notes}/5", 200, {"id": 5})
    server.on("PUT", f"{notes}/6", 404, {"message": "404 Note Not Found"})
    server.on("POST", notes, 201, {"id": 77})

    assert await gitlab.comment(REPOSITORY, 3, "hi", "5") == "5"
    assert await gitlab.comment(REPOSITORY, 3, "hi", "6") == "77"
    assert await gitlab.comment(REPOSITORY, 3, "hi", None) == "77"


@pytest.mark.parametrize(
    ("rights", "refused"),
    [
        ({"project_access": {"access_level": 40}, "group_access": None}, False),
        ({"project_access": {"access_level": 30}, "group_access": {"access_level": 50}}, False),
        ({"project_access": {"access_level": 30}, "group_access": None}, True),
        ({"project_access": None, "group_access": None}, True),
    ],
)
async def test_who_is_no_maintainer_is_told(gitlab, server, rights, refused):
    server.on("GET", PROJECT, 200, {"id": 1, "permissions": rights})
    if not refused:
        await gitlab.check_repository(REPOSITORY)
        return
    with pytest.raises(CodeHostRefused, match="Maintainer"):
        await gitlab.check_repository(REPOSITORY)
