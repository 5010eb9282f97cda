"""Gitea: bare hexadecimal HMAC-SHA256. It sends GitHub's headers as well: the address decides, and nothing is guessed."""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, Kind, RefChange
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.changed_paths import changed_paths
from slipyard.webhooks.checks import ended_check
from slipyard.webhooks.moved_ref import gone_ref, moved_ref, perhaps_forced, with_commits
from slipyard.webhooks.payload import Payload, objects_at, text_at, value_at
from slipyard.webhooks.proof import Signature
from slipyard.webhooks.provider import Place, Provider
from slipyard.webhooks.pull_requests import request_change

_KINDS = {"branch": "refs/heads/", "tag": "refs/tags/"}


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    said = Announcement(
        Kind.OTHER, event, text_at(payload, "sender", "login"), repository=text_at(payload, "repository", "full_name")
    )
    if event == "push":
        return replace(said, kind=Kind.PUSH, refs=(_pushed(payload),))
    if event == "delete":
        return replace(said, kind=Kind.PUSH, refs=(_deleted(payload),))
    if event == "pull_request":
        return replace(said, kind=Kind.REQUEST, request=request_change(payload))
    check = ended_check(event, payload)
    return replace(said, kind=Kind.CHECK, checks=(check,)) if check else said


def _pushed(payload: Payload) -> RefChange:
    """The list of commits is cut as the server is set up (5 by default); `total_commits` says how many there are."""
    commits, total = objects_at(payload, "commits"), value_at(payload, "total_commits")
    paths = changed_paths(commits, most_commits=len(commits) + 1) if total == len(commits) else None
    change = moved_ref(text_at(payload, "ref"), text_at(payload, "after"), text_at(payload, "before"))
    return perhaps_forced(with_commits(change, head_message=text_at(payload, "head_commit", "message"), paths=paths))


def _deleted(payload: Payload) -> RefChange:
    return gone_ref(_KINDS.get(text_at(payload, "ref_type"), "") + text_at(payload, "ref"))


_CHOOSE = "Push; Pull request and Pull request synchronized for previews; Workflow runs or Statuses to wait for a check"

GITEA = Provider(
    name="gitea",
    proofs={"signature": Signature("x-gitea-signature")},
    event=Place("x-gitea-event"),
    ids=(Place("x-gitea-delivery"),),
    read=announcement_of,
    form="application/json",
    choose=_CHOOSE,
)
