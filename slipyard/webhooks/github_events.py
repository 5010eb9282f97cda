"""The events of GitHub that say something to us: pushes, pull requests, and the ends of checks."""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, Kind, RefChange
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.changed_paths import changed_paths
from slipyard.webhooks.checks import ended_check
from slipyard.webhooks.moved_ref import gone_ref, moved_ref, with_commits
from slipyard.webhooks.payload import Payload, flag_at, objects_at, text_at
from slipyard.webhooks.pull_requests import request_change

_MOST_COMMITS = 2048  # "Webhook events and payloads", push: commits
_MOST_FILES = 3000  # the same: of each commit


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    """`Kind.OTHER` for all else, and for a check that has not ended."""
    sender = text_at(payload, "pusher", "name") or text_at(payload, "sender", "login")
    said = Announcement(Kind.OTHER, event, sender, repository=text_at(payload, "repository", "full_name"))
    if event == "ping":
        return replace(said, kind=Kind.PING)
    if event == "push":
        return replace(said, kind=Kind.PUSH, refs=(_pushed(payload),))
    if event == "pull_request":
        return replace(said, kind=Kind.REQUEST, request=request_change(payload))
    check = ended_check(event, payload)
    return replace(said, kind=Kind.CHECK, checks=(check,)) if check else said


def _pushed(payload: Payload) -> RefChange:
    ref, before = text_at(payload, "ref"), text_at(payload, "before")
    if flag_at(payload, "deleted"):
        return gone_ref(ref, before)
    return with_commits(
        moved_ref(ref, text_at(payload, "after"), before),
        head_message=text_at(payload, "head_commit", "message"),
        paths=changed_paths(objects_at(payload, "commits"), most_commits=_MOST_COMMITS, most_files=_MOST_FILES),
        forced=flag_at(payload, "forced"),
    )
