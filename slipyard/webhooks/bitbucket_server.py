"""Bitbucket Data Center: many refs in one push, and of their commits only the head's; see its "Event payload"."""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, Kind, RefChange, RequestChange, RequestMove
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.moved_ref import gone_ref, moved_ref, ref_changes, with_commits
from slipyard.webhooks.payload import Payload, number_at, objects_at, text_at, value_at
from slipyard.webhooks.proof import Signature
from slipyard.webhooks.provider import Place, Provider
from slipyard.webhooks.pull_requests import with_head

_MOVES = {
    "pr:opened": RequestMove.OPENED,
    "pr:reopened": RequestMove.OPENED,
    "pr:from_ref_updated": RequestMove.UPDATED,
    "pr:merged": RequestMove.CLOSED,
    "pr:declined": RequestMove.CLOSED,
    "pr:deleted": RequestMove.CLOSED,
}


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    of = ("pullRequest", "toRef", "repository") if event.startswith("pr:") else ("repository",)
    said = Announcement(Kind.OTHER, event, text_at(payload, "actor", "name"), repository=_full_name(payload, *of))
    if event == "diagnostics:ping":
        return replace(said, kind=Kind.PING)
    if event == "repo:refs_changed":
        refs = ref_changes(_change(each, payload) for each in objects_at(payload, "changes"))
        return replace(said, kind=Kind.PUSH, refs=refs) if refs else said
    if event.startswith("pr:"):
        return replace(said, kind=Kind.REQUEST, request=_request(event, payload))
    return said


def _change(change: Payload, payload: Payload) -> RefChange:
    ref, old = text_at(change, "ref", "id"), text_at(change, "fromHash")
    if text_at(change, "type") == "DELETE":
        return gone_ref(ref, old)
    moved = moved_ref(ref, text_at(change, "toHash"), old)
    is_head = value_at(payload, "toCommit", "id") == moved.commit
    return with_commits(moved, head_message=text_at(payload, "toCommit", "message") if is_head else "", paths=None)


def _request(event: str, payload: Payload) -> RequestChange:
    source, into = ("pullRequest", "fromRef"), ("pullRequest", "toRef")
    move, commit = with_head(_MOVES.get(event, RequestMove.OTHER), text_at(payload, *source, "latestCommit"))
    return RequestChange(
        number=number_at(payload, "pullRequest", "id"),
        move=move,
        head_ref=text_at(payload, *source, "displayId"),
        head_commit=commit,
        base_ref=text_at(payload, *into, "displayId"),
        fork=_full_name(payload, *source, "repository") != _full_name(payload, *into, "repository"),
        title=text_at(payload, "pullRequest", "title"),
        author=text_at(payload, "pullRequest", "author", "user", "name"),
        url=next((text_at(link, "href") for link in objects_at(payload, "pullRequest", "links", "self")), ""),
    )


def _full_name(payload: Payload, *repository: str) -> str:
    return f"{text_at(payload, *repository, 'project', 'key')}/{text_at(payload, *repository, 'slug')}"


BITBUCKET_SERVER = Provider(
    name="bitbucket-server",
    proofs={"signature": Signature("x-hub-signature", "sha256=")},
    event=Place("x-event-key"),
    ids=(Place("x-request-id"),),
    read=announcement_of,
    choose="Repository: Push; Pull request: Opened, Source branch updated, Merged, Declined, Deleted for previews",
)
