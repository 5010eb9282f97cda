"""Azure DevOps signs nothing: HTTP Basic, or a header of one's own. See its "Service hook events", git.push.

A 410 would disable the hook there; none is ever answered.
"""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, Kind, RefChange
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.moved_ref import moved_ref, ref_changes, with_commits
from slipyard.webhooks.payload import Payload, objects_at, text_at
from slipyard.webhooks.proof import Basic, Token
from slipyard.webhooks.provider import Place, Provider


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    """`refUpdates` may be empty (a push that changed nothing) or many."""
    of = ("resource", "repository")
    said = Announcement(
        Kind.OTHER,
        event,
        text_at(payload, "resource", "pushedBy", "displayName"),
        repository=f"{text_at(payload, *of, 'project', 'name')}/{text_at(payload, *of, 'name')}",
    )
    if event != "git.push":
        return said
    messages = {text_at(c, "commitId"): text_at(c, "comment") for c in objects_at(payload, "resource", "commits")}
    refs = ref_changes(_change(each, messages) for each in objects_at(payload, "resource", "refUpdates"))
    return replace(said, kind=Kind.PUSH, refs=refs) if refs else said


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
    choose="Code pushed",
)
