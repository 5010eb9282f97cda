"""Bitbucket Cloud: many refs in one push, at most 5 commits of each and no files; see its "Event payloads"."""

from collections.abc import Callable
from dataclasses import replace

from slipyard.domain.announcement import Announcement, CheckEnd, Kind, RefChange, RequestChange, RequestMove
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.moved_ref import (
    checked_commit,
    checked_short_commit,
    gone_ref,
    moved_ref,
    ref_changes,
    with_commits,
)
from slipyard.webhooks.payload import Payload, flag_at, number_at, objects_at, text_at
from slipyard.webhooks.proof import Signature
from slipyard.webhooks.provider import Place, Provider
from slipyard.webhooks.pull_requests import with_head

_KINDS = {"branch": "refs/heads/", "tag": "refs/tags/", "annotated_tag": "refs/tags/"}
_MOVES = {
    "pullrequest:created": RequestMove.OPENED,
    "pullrequest:updated": RequestMove.UPDATED,  # also for a new title: it does not say which
    "pullrequest:fulfilled": RequestMove.CLOSED,
    "pullrequest:rejected": RequestMove.CLOSED,
}
_ENDED = {"SUCCESSFUL": True, "FAILED": False, "STOPPED": False}


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    sender = text_at(payload, "actor", "nickname") or text_at(payload, "actor", "display_name")
    said = Announcement(Kind.OTHER, event, sender, repository=text_at(payload, "repository", "full_name"))
    if event.startswith("pullrequest:"):
        return replace(said, kind=Kind.REQUEST, request=_request(event, payload))
    return _READ[event](said, payload) if event in _READ else said


def _push(said: Announcement, payload: Payload) -> Announcement:
    refs = ref_changes(_change(each) for each in objects_at(payload, "push", "changes") if _ref_of(each))
    return replace(said, kind=Kind.PUSH, refs=refs) if refs else said


def _change(change: Payload) -> RefChange:
    ref, old = _ref_of(change), text_at(change, "old", "target", "hash")
    if change.get("new") is None:
        return gone_ref(ref, old)
    moved = moved_ref(ref, text_at(change, "new", "target", "hash"), old)
    message = text_at(change, "new", "target", "message")
    return with_commits(moved, head_message=message, paths=None, forced=flag_at(change, "forced"))


def _ref_of(change: Payload) -> str:
    """Empty for what is neither a branch nor a tag of git."""
    side = "new" if change.get("new") is not None else "old"
    prefix = _KINDS.get(text_at(change, side, "type"))
    return prefix + text_at(change, side, "name") if prefix else ""


def _request(event: str, payload: Payload) -> RequestChange:
    """Its commits are abbreviated to 12 digits."""
    source, into = ("pullrequest", "source"), ("pullrequest", "destination")
    target = text_at(payload, *into, "repository", "full_name")
    move, commit = _MOVES.get(event, RequestMove.OTHER), text_at(payload, *source, "commit", "hash")
    move, commit = with_head(move, commit, checked_short_commit)
    from_repository = text_at(payload, *source, "repository", "full_name")  # empty of a fork that was deleted
    return RequestChange(
        number=number_at(payload, "pullrequest", "id"),
        move=move,
        head_ref=text_at(payload, *source, "branch", "name"),
        head_commit=commit,
        base_ref=text_at(payload, *into, "branch", "name"),
        fork=not target or from_repository != target,
        fork_repository="" if from_repository == target else from_repository,
        title=text_at(payload, "pullrequest", "title"),
        author=text_at(payload, "pullrequest", "author", "nickname"),
        url=text_at(payload, "pullrequest", "links", "html", "href"),
    )


def _status(said: Announcement, payload: Payload) -> Announcement:
    """Its key is what a build keeps, its name what people read: a rule may name either."""
    passed = _ENDED.get(text_at(payload, "commit_status", "state"))
    if passed is None:
        return said
    commit, branch = checked_commit(_commit_of(payload)), text_at(payload, "commit_status", "refname")
    names = dict.fromkeys(text_at(payload, "commit_status", field) for field in ("key", "name"))
    return replace(said, kind=Kind.CHECK, checks=tuple(CheckEnd(n, commit, passed, branch) for n in names if n))


def _commit_of(payload: Payload) -> str:
    link = text_at(payload, "commit_status", "links", "commit", "href")
    return text_at(payload, "commit_status", "commit", "hash") or link.rpartition("/")[2]


_READ: dict[str, Callable[[Announcement, Payload], Announcement]] = {
    "repo:push": _push,
    "repo:commit_status_created": _status,
    "repo:commit_status_updated": _status,
}

BITBUCKET = Provider(
    name="bitbucket",
    proofs={"signature": Signature("x-hub-signature", "sha256=")},
    event=Place("x-event-key"),
    ids=(Place("x-request-uuid"),),
    read=announcement_of,
    choose="Repository push; Pull request created, updated, merged, declined for previews; Build status created and updated to wait for a check",
)
