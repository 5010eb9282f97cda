"""The events of GitHub that say something to us: pushes, pull requests, and the ends of checks."""

from collections.abc import Callable
from dataclasses import replace

from slipyard.domain.announcement import Announcement, CheckEnd, Kind, RefChange, RequestChange, RequestMove
from slipyard.webhooks.changed_paths import changed_paths
from slipyard.webhooks.moved_ref import checked_commit, moved_ref, with_commits
from slipyard.webhooks.payload import Payload, flag_at, number_at, objects_at, text_at, value_at

_MOST_COMMITS = 2048  # "Webhook events and payloads", push: commits
_MOST_FILES = 3000  # the same: of each commit
_PASSING = {"success", "neutral", "skipped"}  # "About status checks": these satisfy a required check
_MOVES = {
    "opened": RequestMove.OPENED,
    "reopened": RequestMove.OPENED,
    "synchronize": RequestMove.UPDATED,
    "closed": RequestMove.CLOSED,
}


def announcement_of(event: str, payload: Payload) -> Announcement:
    """`Kind.OTHER` for all else, and for a check that has not ended."""
    said = Announcement(
        Kind.OTHER, event, sender=sender_of(payload), repository=text_at(payload, "repository", "full_name")
    )
    if event == "push":
        return replace(said, kind=Kind.PUSH, refs=(_pushed(payload),))
    if event == "pull_request":
        return replace(said, kind=Kind.REQUEST, request=_request(payload))
    check = _CHECKS[event](payload) if event in _CHECKS else None
    return replace(said, kind=Kind.CHECK, checks=(check,)) if check else said


def sender_of(payload: Payload) -> str:
    return text_at(payload, "pusher", "name") or text_at(payload, "sender", "login")


def _pushed(payload: Payload) -> RefChange:
    gone = flag_at(payload, "deleted")
    change = moved_ref(text_at(payload, "ref"), "" if gone else text_at(payload, "after"), text_at(payload, "before"))
    return with_commits(
        change,
        head_message=text_at(payload, "head_commit", "message"),
        paths=changed_paths(objects_at(payload, "commits"), most_commits=_MOST_COMMITS, most_files=_MOST_FILES),
        forced=flag_at(payload, "forced"),
    )


def _request(payload: Payload) -> RequestChange:
    into, source = text_at(payload, "pull_request", "base", "repo", "full_name"), ("pull_request", "head")
    return RequestChange(
        number=number_at(payload, "pull_request", "number"),
        move=_MOVES.get(text_at(payload, "action"), RequestMove.OTHER),
        head_ref=text_at(payload, *source, "ref"),
        head_commit=checked_commit(text_at(payload, *source, "sha")),
        base_ref=text_at(payload, "pull_request", "base", "ref"),
        fork=not into or text_at(payload, *source, "repo", "full_name") != into,  # a fork that was deleted is null
        title=text_at(payload, "pull_request", "title"),
        author=text_at(payload, "pull_request", "user", "login"),
        url=text_at(payload, "pull_request", "html_url"),
    )


def _check_run(payload: Payload) -> CheckEnd | None:
    return _ended(payload, "check_run", ("check_run", "name"), ("check_run", "check_suite", "head_branch"))


def _check_suite(payload: Payload) -> CheckEnd | None:
    return _ended(payload, "check_suite", ("check_suite", "app", "name"), ("check_suite", "head_branch"))


def _workflow_run(payload: Payload) -> CheckEnd | None:
    return _ended(payload, "workflow_run", ("workflow_run", "name"), ("workflow_run", "head_branch"))


def _ended(payload: Payload, check: str, name: tuple[str, ...], branch: tuple[str, ...]) -> CheckEnd | None:
    if text_at(payload, "action") != "completed":
        return None
    return CheckEnd(
        name=text_at(payload, *name),
        commit=checked_commit(text_at(payload, check, "head_sha")),
        passed=text_at(payload, check, "conclusion") in _PASSING,
        branch=text_at(payload, *branch),
    )


def _status(payload: Payload) -> CheckEnd | None:
    state, commit = text_at(payload, "state"), text_at(payload, "sha")
    if state == "pending":
        return None
    heads = [text_at(b, "name") for b in objects_at(payload, "branches") if value_at(b, "commit", "sha") == commit]
    branch = heads[0] if len(heads) == 1 else ""
    return CheckEnd(text_at(payload, "context"), checked_commit(commit), state == "success", branch)


_CHECKS: dict[str, Callable[[Payload], CheckEnd | None]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "workflow_run": _workflow_run,
    "status": _status,
}
