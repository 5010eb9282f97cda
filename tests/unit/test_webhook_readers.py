"""Each provider's words in ours: branches, tags, deletions, forced pushes, many refs, requests, checks and images."""

from dataclasses import replace
from typing import Any

import pytest

from slipyard.domain.announcement import (
    Announcement,
    CheckEnd,
    ImagePushed,
    Kind,
    RefChange,
    RequestMove,
)
from slipyard.domain.errors import UserError
from slipyard.domain.hook import HookSettings
from slipyard.webhooks.essence import read_essence, written_essence
from slipyard.webhooks.payload import Payload
from slipyard.webhooks.providers import PROVIDERS
from tests.data.github.examples import EXAMPLES
from tests.data.webhooks.messages import (
    ALL,
    AZURE_EMPTY_PUSH,
    AZURE_PUSH,
    AZURE_REQUEST,
    BITBUCKET_PUSH,
    BITBUCKET_REQUEST,
    BITBUCKET_STATUS,
    DATA_CENTER_PING,
    DATA_CENTER_PUSH,
    DATA_CENTER_REQUEST,
    DIGEST,
    DOCKER_HUB_PUSH,
    FORGEJO_PUSH,
    FORGEJO_RUN,
    GENERIC_IMAGE,
    GENERIC_PUSH,
    GITEA_DELETE,
    GITEA_PULL_REQUEST,
    GITEA_PUSH,
    GITEA_RUN,
    GITEA_STATUS,
    GITLAB_JOB,
    GITLAB_MERGE_REQUEST,
    GITLAB_PIPELINE,
    GITLAB_PUSH,
    NEW,
    NONE,
    OLD,
    OTHER,
    REGISTRY_EVENTS,
    REGISTRY_PULL,
    Message,
    commit,
)


def said(message: Message, **changes: Any) -> Announcement:
    return said_by(message.provider, message.headers, message.body | changes, message.settings)


def said_by(
    provider: str, headers: dict[str, str], body: Payload, settings: dict[str, Any] | None = None
) -> Announcement:
    reader, known = PROVIDERS[provider], HookSettings.model_validate(settings or {})
    return reader.read(reader.event_of(headers, body), body, known.fields)


def attributes(message: Message, **changes: Any) -> Announcement:
    return said(message, object_attributes=message.body["object_attributes"] | changes)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_github_is_understood(number: int) -> None:
    event, payload = EXAMPLES[number]
    found = said_by("github", {"x-github-event": event}, payload)

    assert found.event == event
    assert read_essence(written_essence(found)) == found
    if event in {"push", "pull_request", "ping"}:
        assert found.kind.name.lower() in {event, "request"}


@pytest.mark.parametrize("name", ALL)
def test_what_is_stored_of_a_large_message_says_the_same(name: str) -> None:
    found = said(ALL[name])

    assert read_essence(written_essence(found)) == found


def github_push(**changes: Any) -> RefChange:
    payload = {"ref": "refs/heads/main", "before": OLD, "after": NEW, "head_commit": commit(NEW, "Better")}
    (change,) = said_by("github", {"x-github-event": "push"}, payload | changes).refs
    return change


def test_github_lists_the_paths_of_all_commits() -> None:
    commits = [commit(OTHER, added=["a", "b"]), commit(NEW, modified=["b"], removed=["c"])]

    assert github_push(commits=commits) == RefChange("refs/heads/main", NEW, OLD, False, "Better", ("a", "b", "c"))


@pytest.mark.parametrize(
    "changes",
    [
        {"commits": []},
        {"commits": None},
        {"commits": [commit(NEW, added=["a"])] * 2048},
        {"commits": [commit(NEW, added=[str(n) for n in range(3000)])]},
        {"commits": [{"id": NEW, "added": ["a"]}]},
        {"commits": [commit(NEW, added=[1])]},
        {"commits": [commit(NEW, added=["a"])], "forced": True},
        {"commits": [commit(NEW, added=["a"])], "before": NONE},
    ],
    ids=["none", "null", "as-many-as-there-ever-are", "a-full-commit", "cut", "odd", "forced", "new"],
)
def test_paths_that_may_not_be_all_are_unknown(changes: dict[str, Any]) -> None:
    assert github_push(**changes).paths is None


def test_a_deletion_at_github() -> None:
    assert github_push(deleted=True, after=NONE, head_commit=None).commit == NONE


def test_a_push_at_gitlab() -> None:
    (change,) = said(GITLAB_PUSH).refs

    assert change == RefChange(
        "refs/heads/main", NEW, OLD, False, "Fix it [skip ci]", ("CHANGELOG", "app/x.rb"), may_be_forced=True
    )


def test_gitlab_lists_at_most_twenty_commits() -> None:
    (change,) = said(GITLAB_PUSH, total_commits_count=21).refs

    assert change.paths is None


def test_a_deleted_tag_at_gitlab() -> None:
    message = replace(GITLAB_PUSH, headers={"x-gitlab-event": "Tag Push Hook"})
    (change,) = said(message, ref="refs/tags/v1", after=NONE, commits=[]).refs

    assert (change.ref, change.commit) == ("refs/tags/v1", NONE)


@pytest.mark.parametrize(
    ("changes", "move"),
    [
        ({}, RequestMove.OPENED),
        ({"action": "reopen"}, RequestMove.OPENED),
        ({"action": "update"}, RequestMove.OTHER),
        ({"action": "update", "oldrev": OLD}, RequestMove.UPDATED),
        ({"action": "approved"}, RequestMove.OTHER),
        ({"action": "merge"}, RequestMove.CLOSED),
        ({"action": "close"}, RequestMove.CLOSED),
    ],
)
def test_the_moves_of_a_merge_request(changes: dict[str, Any], move: RequestMove) -> None:
    request = attributes(GITLAB_MERGE_REQUEST, **changes).request

    assert request is not None
    assert (request.move, request.number, request.head_commit, request.fork) == (move, 7, NEW, False)
    assert (request.author, request.base_ref) == ("root", "main")


def test_a_merge_request_of_a_fork() -> None:
    request = attributes(GITLAB_MERGE_REQUEST, source_project_id=99).request

    assert request is not None
    assert request.fork


@pytest.mark.parametrize(("action", "move"), [("open", RequestMove.OTHER), ("close", RequestMove.CLOSED)])
def test_a_request_without_commits_says_at_most_that_it_is_over(action: str, move: RequestMove) -> None:
    request = attributes(GITLAB_MERGE_REQUEST, action=action, last_commit=None).request

    assert request is not None
    assert (request.move, request.head_commit) == (move, "")


@pytest.mark.parametrize(
    ("message", "ends"),
    [
        (GITLAB_PIPELINE, [CheckEnd("Tests", NEW, True, "main")]),
        (GITLAB_JOB, [CheckEnd("test", NEW, False, "main")]),
        (GITEA_STATUS, [CheckEnd("ci/woodpecker", NEW, True)]),
        (GITEA_RUN, [CheckEnd("test.yml", NEW, False, "main")]),
        (FORGEJO_RUN, [CheckEnd("test.yml", NEW, True, "main")]),
        (BITBUCKET_STATUS, [CheckEnd("ci", NEW, True, "main"), CheckEnd("Unit tests", NEW, True, "main")]),
    ],
)
def test_the_ends_of_checks(message: Message, ends: list[CheckEnd]) -> None:
    found = said(message)

    assert (found.kind, list(found.checks)) == (Kind.CHECK, ends)


@pytest.mark.parametrize(
    "found",
    [
        attributes(GITLAB_PIPELINE, status="running"),
        said(GITLAB_JOB, build_status="pending"),
        said(GITEA_STATUS, state="pending"),
        said(GITEA_RUN, action="requested"),
    ],
)
def test_a_check_that_has_not_ended_says_nothing(found: Announcement) -> None:
    assert (found.kind, found.checks) == (Kind.OTHER, ())


@pytest.mark.parametrize("message", [GITEA_PUSH, FORGEJO_PUSH])
def test_a_push_at_gitea_and_forgejo(message: Message) -> None:
    (change,) = said(message).refs

    assert change == RefChange("refs/heads/main", NEW, OLD, False, "Webhooks Yay!", ("README.md",), may_be_forced=True)


def test_gitea_cuts_the_list_of_commits() -> None:
    (change,) = said(GITEA_PUSH, total_commits=6).refs

    assert change.paths is None


def test_a_deleted_branch_at_gitea() -> None:
    assert said(GITEA_DELETE).refs == (RefChange("refs/heads/old/branch", NONE),)


def test_a_pull_request_of_a_fork_at_gitea() -> None:
    request = said(GITEA_PULL_REQUEST).request

    assert request is not None
    assert (request.move, request.head_ref, request.fork) == (RequestMove.UPDATED, "better", True)


def test_one_push_of_many_refs_at_bitbucket() -> None:
    assert said(BITBUCKET_PUSH).refs == (
        RefChange("refs/heads/main", NEW, OLD, True, "To main"),
        RefChange("refs/heads/gone", NONE, OLD),
        RefChange("refs/tags/v1", OTHER, None, False, "To v1"),
    )


def test_a_pull_request_at_bitbucket_has_an_abbreviated_commit() -> None:
    request = said(BITBUCKET_REQUEST).request

    assert request is not None
    assert (request.number, request.head_commit, request.fork) == (9, NEW[:12], True)
    assert request.fork_repository == "ann/site"


@pytest.mark.parametrize(
    ("event", "move"),
    [
        ("pullrequest:updated", RequestMove.UPDATED),
        ("pullrequest:fulfilled", RequestMove.CLOSED),
        ("pullrequest:rejected", RequestMove.CLOSED),
        ("pullrequest:approved", RequestMove.OTHER),
    ],
)
def test_the_moves_of_a_pull_request_at_bitbucket(event: str, move: RequestMove) -> None:
    request = said(replace(BITBUCKET_REQUEST, headers={"x-event-key": event})).request

    assert request is not None
    assert request.move == move


def test_one_push_of_many_refs_at_bitbucket_data_center() -> None:
    assert said(DATA_CENTER_PUSH).refs == (
        RefChange("refs/heads/main", NEW, OLD, False, "Better"),
        RefChange("refs/heads/old", NONE, OLD),
        RefChange("refs/tags/v1", OTHER),
    )


def test_requests_and_pings_at_bitbucket_data_center() -> None:
    request = said(DATA_CENTER_REQUEST).request

    assert said(DATA_CENTER_PING).kind == Kind.PING
    assert request is not None
    assert (request.move, request.head_commit, request.fork) == (RequestMove.UPDATED, NEW, False)


def test_one_push_of_many_refs_at_azure_devops() -> None:
    assert said(AZURE_EMPTY_PUSH).kind == Kind.OTHER
    assert said(AZURE_PUSH).refs == (
        RefChange("refs/heads/main", NEW, OLD, False, "Fixed bug in web.config file"),
        RefChange("refs/heads/old", NONE, OLD),
    )


@pytest.mark.parametrize(
    ("event", "status", "move"),
    [
        ("git.pullrequest.created", "active", RequestMove.OPENED),
        ("git.pullrequest.updated", "active", RequestMove.UPDATED),
        ("git.pullrequest.merged", "active", RequestMove.UPDATED),
        ("git.pullrequest.updated", "completed", RequestMove.CLOSED),
        ("git.pullrequest.updated", "abandoned", RequestMove.CLOSED),
        ("git.pullrequest.updated", "notSet", RequestMove.OTHER),
    ],
)
def test_the_moves_of_a_pull_request_at_azure_devops(event: str, status: str, move: RequestMove) -> None:
    resource = AZURE_REQUEST.body["resource"] | {"status": status}
    request = said(AZURE_REQUEST, eventType=event, resource=resource).request

    assert request is not None
    assert (request.number, request.move, request.head_commit) == (7, move, NEW)
    assert (request.head_ref, request.base_ref, request.fork) == ("feature/better", "main", False)
    forked = said(AZURE_REQUEST, resource=resource | {"forkSource": {"repository": {"id": "x"}}}).request
    assert forked is not None
    assert forked.fork


def test_images_at_docker_hub_and_in_a_registry() -> None:
    assert said(DOCKER_HUB_PUSH).images == (ImagePushed("docker.io/team/site", "v2"),)
    assert said(REGISTRY_EVENTS).images == (ImagePushed("registry.example.com:5000/team/site", "v2", DIGEST),)
    assert said(REGISTRY_PULL).kind == Kind.OTHER


def test_fields_of_anybody_by_json_pointer() -> None:
    assert said(GENERIC_PUSH).refs == (RefChange("refs/heads/main", NEW, None, False, "Better"),)
    assert said(GENERIC_IMAGE).images == (ImagePushed("registry.example.com/team/site", "v3", DIGEST),)


@pytest.mark.parametrize("body", [{}, {"build": []}, {"build": {"branch": {}, "revision": NEW}}, {"build": None}])
def test_a_body_without_the_fields_names_them(body: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="/build/branch"):
        said_by("generic", {}, body, GENERIC_PUSH.settings)


def test_more_refs_than_anybody_pushes() -> None:
    update = {"name": "refs/heads/x", "oldObjectId": OLD, "newObjectId": NEW}
    with pytest.raises(UserError, match="10000 refs"):
        said(AZURE_PUSH, resource={"refUpdates": [update] * 10_001})
