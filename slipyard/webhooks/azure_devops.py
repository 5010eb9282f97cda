"""Azure DevOps signs nothing: HTTP Basic, or a header of one's own. See its "Service hook events", git.push and those
of pull requests.

A 410 would disable the hook there; none is ever answered.
"""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, Kind, RefChange, RequestChange, RequestMove
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.moved_ref import moved_ref, ref_changes, with_commits
from slipyard.webhooks.payload import Payload, number_at, objects_at, text_at, value_at
from slipyard.webhooks.proof import Basic, Token
from slipyard.webhooks.provider import Place, Provider
from slipyard.webhooks.pull_requests import with_head

_MOVES = {
    "active": RequestMove.UPDATED,
    "completed": RequestMove.CLOSED,
    "abandoned": RequestMove.CLOSED,
}


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    """`refUpdates` may be empty (a push that changed nothing) or many."""
    of = ("resource", "repository")
    said = Announcement(
        Kind.OTHER,
        event,
        text_at(payload, "resource", "pushedBy", "displayName"),
        repository=f"{text_at(payload, *of, 'project', 'name')}/{text_at(payload, *of, 'name')}",
    )
    if event.startswith("git.pullrequest."):
        sender = text_at(payload, "resource", "createdBy", "displayName")
        return replace(said, kind=Kind.REQUEST, sender=sender, request=_request(event, payload))
    if event != "git.push":
        return said
    messages = {text_at(c, "commitId"): text_at(c, "comment") for c in objects_at(payload, "resource", "commits")}
    refs = ref_changes(_change(each, messages) for each in objects_at(payload, "resource", "refUpdates"))
    return replace(said, kind=Kind.PUSH, refs=refs) if refs else said


def _request(event: str, payload: Payload) -> RequestChange:
    """`updated` comes for votes and titles too; whether it is over stands in the status. Not to be had: a fork's address."""
    of = "resource"
    move = _MOVES.get(text_at(payload, of, "status"), RequestMove.OTHER)
    if move is RequestMove.UPDATED and event == "git.pullrequest.created":
        move = RequestMove.OPENED
    move, commit = with_head(move, text_at(payload, of, "lastMergeSourceCommit", "commitId"))
    return RequestChange(
        number=number_at(payload, of, "pullRequestId"),
        move=move,
        head_ref=text_at(payload, of, "sourceRefName").removeprefix("refs/heads/"),
        head_commit=commit,
        base_ref=text_at(payload, of, "targetRefName").removeprefix("refs/heads/"),
        fork=value_at(payload, of, "forkSource") is not None,
        title=text_at(payload, of, "title"),
        author=text_at(payload, of, "createdBy", "displayName"),
        url=text_at(payload, of, "_links", "web", "href") or text_at(payload, of, "url"),
    )


def _change(update: Payload, messages: dict[str, str]) -> RefChange:
    moved = moved_ref(text_at(update, "name"), text_at(update, "newObjectId"), text_at(update, "oldObjectId"))
    return with_commits(moved, head_message=messages.get(moved.commit, ""), paths=None)


AZURE_DEVOPS = Provider(
    name="azure-devops",
    proofs={"basic": Basic(), "token": Token("x-slipyard-token")},
    event=Place(path=("eventType",)),
    ids=(Place(path=("id",)),),
    read=announcement_of,
    own_header=True,
    choose="Code pushed; Pull request created, updated and merge attempted for previews",
)
