"""GitLab: a token in plain text, or since 19.0 a signature; see its "Webhook events".

Four failed answers in a row, 4xx among them, disable a hook there.
"""

from collections.abc import Callable
from dataclasses import replace

from slipyard.domain.announcement import Announcement, CheckEnd, Kind, RequestChange, RequestMove
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.changed_paths import changed_paths
from slipyard.webhooks.moved_ref import checked_commit, moved_ref, perhaps_forced, with_commits
from slipyard.webhooks.payload import Payload, flag_at, number_at, objects_at, text_at, value_at
from slipyard.webhooks.proof import StandardSignature, Token
from slipyard.webhooks.provider import Place, Provider
from slipyard.webhooks.pull_requests import with_head

_ENDED = {"success": True, "failed": False, "canceled": False, "skipped": False}
_MOVES = {
    "open": RequestMove.OPENED,
    "reopen": RequestMove.OPENED,
    "close": RequestMove.CLOSED,
    "merge": RequestMove.CLOSED,
}


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    said = Announcement(
        Kind.OTHER,
        event,
        text_at(payload, "user_username") or text_at(payload, "user", "username"),
        repository=text_at(payload, "project", "path_with_namespace"),
    )
    return _READ[event](said, payload) if event in _READ else said


def _push(said: Announcement, payload: Payload) -> Announcement:
    """At most 20 commits are listed; `total_commits_count` says how many there are. Pushes of a tag list none."""
    commits, head = objects_at(payload, "commits"), text_at(payload, "after")
    whole = value_at(payload, "total_commits_count") == len(commits)
    message = next((text_at(commit, "message") for commit in commits if commit.get("id") == head), "")
    change = with_commits(
        moved_ref(text_at(payload, "ref"), head, text_at(payload, "before")),
        head_message=message,
        paths=changed_paths(commits, most_commits=len(commits) + 1) if whole else None,
    )
    return replace(said, kind=Kind.PUSH, refs=(perhaps_forced(change),))


def _request(said: Announcement, payload: Payload) -> Announcement:
    what = "object_attributes"
    move, commit = with_head(_move(payload), text_at(payload, what, "last_commit", "id"))
    change = RequestChange(
        number=number_at(payload, what, "iid"),
        move=move,
        head_ref=text_at(payload, what, "source_branch"),
        head_commit=commit,
        base_ref=text_at(payload, what, "target_branch"),
        fork=value_at(payload, what, "source_project_id") != value_at(payload, what, "target_project_id"),
        title=text_at(payload, what, "title"),
        author=said.sender,
        url=text_at(payload, what, "url"),
    )
    return replace(said, kind=Kind.REQUEST, request=change)


def _move(payload: Payload) -> RequestMove:
    """An update has new commits only where it names the old head."""
    action = text_at(payload, "object_attributes", "action")
    if action == "update" and text_at(payload, "object_attributes", "oldrev"):
        return RequestMove.UPDATED
    return _MOVES.get(action, RequestMove.OTHER)


def _pipeline(said: Announcement, payload: Payload) -> Announcement:
    name = text_at(payload, "object_attributes", "name") or "pipeline"
    return _check(said, payload, ("object_attributes", "status"), ("object_attributes",), name)


def _job(said: Announcement, payload: Payload) -> Announcement:
    return _check(said, payload, ("build_status",), (), text_at(payload, "build_name"))


def _check(
    said: Announcement, payload: Payload, status: tuple[str, ...], of: tuple[str, ...], name: str
) -> Announcement:
    passed = _ENDED.get(text_at(payload, *status))
    if passed is None:
        return said
    branch = "" if flag_at(payload, *of, "tag") else text_at(payload, *of, "ref")
    end = CheckEnd(name, checked_commit(text_at(payload, *of, "sha")), passed, branch)
    return replace(said, kind=Kind.CHECK, checks=(end,))


_READ: dict[str, Callable[[Announcement, Payload], Announcement]] = {
    "Push Hook": _push,
    "Tag Push Hook": _push,
    "Merge Request Hook": _request,
    "Pipeline Hook": _pipeline,
    "Job Hook": _job,
}

GITLAB = Provider(
    name="gitlab",
    proofs={"token": Token("x-gitlab-token"), "signature": StandardSignature()},
    event=Place("x-gitlab-event"),
    ids=(Place("webhook-id"), Place("idempotency-key"), Place("x-gitlab-event-uuid")),
    read=announcement_of,
    choose="Push events and Tag push events; Merge request events for previews; Pipeline or Job events to wait for a check",
)
