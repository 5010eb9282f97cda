"""Forgejo: as Gitea, under headers of its own, with other words for the runs of its actions."""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, CheckEnd, Kind
from slipyard.domain.hook import BodyFields
from slipyard.webhooks import gitea
from slipyard.webhooks.moved_ref import checked_commit
from slipyard.webhooks.payload import Payload, text_at
from slipyard.webhooks.proof import Signature
from slipyard.webhooks.provider import Place

_RUNS = {"action_run_success": True, "action_run_recover": True, "action_run_failure": False}


def announcement_of(event: str, payload: Payload, fields: BodyFields) -> Announcement:
    said = gitea.announcement_of(event, payload, fields)
    return replace(said, kind=Kind.CHECK, checks=(_run(event, payload),)) if event in _RUNS else said


def _run(event: str, payload: Payload) -> CheckEnd:
    return CheckEnd(
        name=text_at(payload, "run", "workflow_id"),
        commit=checked_commit(text_at(payload, "run", "commit_sha")),
        passed=_RUNS[event],
        branch=text_at(payload, "run", "prettyref"),
    )


FORGEJO = replace(
    gitea.GITEA,
    name="forgejo",
    proofs={"signature": Signature("x-forgejo-signature")},
    event=Place("x-forgejo-event"),
    ids=(Place("x-forgejo-delivery"),),
    read=announcement_of,
)
