"""A commit that somebody sent or announced: what becomes of it, decided once, and by which rule."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlmodel import Session

from slipyard.domain.git_ref import branch_of
from slipyard.domain.ids import new_id
from slipyard.domain.push_rules import NO_COMMIT, Rule, Stopped, short_ref, tag_of
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.keep_decision import amend_decision, keep_decision, recorded_decision
from slipyard.pipeline.pushes.look_at_pushes import Looked, look_at_pushes, look_without_git
from slipyard.pipeline.pushes.push_seen import ASKED_ITSELF, OWN_REMOTE, POLL, PushDecision, PushSeen
from slipyard.pipeline.pushes.rule_on_push import rule_on_push
from slipyard.pipeline.sources.fetch_polled import fetch_polled
from slipyard.pipeline.write_down import Asked, AskedBuild, write_build, write_deployment
from slipyard.store.queries.pushes import held_pushes, newest_push, ref_history
from slipyard.store.tables import App, Push

__all__ = ["NO_COMMIT", "OWN_REMOTE", "PushDecision", "PushSeen", "decide_pushes", "receive_push", "receive_pushes"]

Ruled = tuple[PushSeen, Stopped | None]  # None: it deploys
_TITLE = 100
_VERDICTS = {"held": "skipped"}
_BEST_FIRST = ("deployed", "skipped", "superseded", "ignored")


async def receive_push(context: Context, push: PushSeen) -> PushDecision:
    return await receive_pushes(context, (push,))


async def receive_pushes(context: Context, pushes: Sequence[PushSeen]) -> PushDecision:
    """All that one message says to one app: the last that deploys takes the place of the others, and the app's own
    branch comes last. Pushes, build, deployment and the decision about the delivery are written in one transaction."""
    for push in pushes:
        if push.trigger == POLL:
            await fetch_polled(context, push)
    decision = None
    while decision is None:  # once more where another push was decided while the mirror was asked
        looked = await look_at_pushes(context, pushes)
        decision = await context.database.writing(partial(_decide_again, context=context, looked=looked))
    if decision.build_id is not None:
        await context.queue.wake("build", decision.build_id)
    return decision


def decide_pushes(session: Session, context: Context, app: App, pushes: Sequence[PushSeen]) -> PushDecision | None:
    """As `receive_pushes`, in the transaction of a caller that has locked the app and wakes the build up afterwards. None
    where git has to be asked first."""
    looked = look_without_git(session, context.layout, app, pushes)
    return None if looked is None else _decide(session, context, app, looked)


def _decide_again(session: Session, context: Context, looked: Looked) -> PushDecision | None:
    """None where another push was decided since the look."""
    app = session.get_one(App, looked.pushes[0].app_id, with_for_update=True)
    recorded = recorded_decision(session, looked.pushes[0].delivery_id, app.id)
    if recorded is not None:
        return recorded
    return _decide(session, context, app, looked) if app.decided_commit == looked.decided else None


def _decide(session: Session, context: Context, app: App, looked: Looked) -> PushDecision:
    ordered = sorted(looked.pushes, key=lambda push: branch_of(push.ref) == app.config.source.branch)
    ruled = _one_wins([(push, rule_on_push(session, app, push, looked)) for push in ordered])
    decision = _combined([_carry_out(session, context, app, push, stopped) for push, stopped in ruled])
    keep_decision(session, context, looked.pushes[0].delivery_id, app.id, decision)
    return decision


def _one_wins(ruled: Sequence[Ruled]) -> list[Ruled]:
    coming = [push for push, stopped in ruled if stopped is None or stopped.decision == "held"]
    if len(coming) < 2:  # noqa: PLR2004 - nobody to win over
        return list(ruled)
    sentence = f"{short_ref(coming[-1].ref)} of the same push takes its place."
    lost = Stopped(Rule.ORDER, sentence, "superseded")
    return [(push, lost if push in coming[:-1] else stopped) for push, stopped in ruled]


def _carry_out(session: Session, context: Context, app: App, push: PushSeen, stopped: Stopped | None) -> PushDecision:
    if stopped is None:
        return _deploy(session, context, app, push)
    if stopped.decision in {"held", "skipped"}:
        app.decided_commit = push.commit  # or polling would deploy it
        session.add(app)
    if stopped.decision == "held":
        _supersede_held(session, app, push)
    if push.trigger not in ASKED_ITSELF or not _is_said(session, push, stopped):
        _write(session, context, app, push, stopped)
    if stopped.rule is Rule.ORDER:
        _catch_up(session, app, push)
    return PushDecision(_VERDICTS.get(stopped.decision, stopped.decision), stopped.sentence)


def _catch_up(session: Session, app: App, push: PushSeen) -> None:
    """A late message may show that what was decided last came before what was decided earlier."""
    history = ref_history(session, app.id, push.ref)
    if history.head is not None and app.decided_commit in history.behind(history.head):
        app.decided_commit = history.head
        session.add(app)


def _is_said(session: Session, push: PushSeen, stopped: Stopped) -> bool:
    """Who looks again and again says it once."""
    newest = newest_push(session, push.app_id, push.ref)
    if newest is None or newest.commit != push.commit:
        return False
    return stopped.rule is Rule.KNOWN or newest.rule == stopped.rule


def _deploy(session: Session, context: Context, app: App, push: PushSeen) -> PushDecision:
    _supersede_held(session, app, push)
    app.decided_commit = push.commit
    build = write_build(session, context, app, what_to_build(app, push.ref, push.commit, no_cache=push.no_cache))
    asked = Asked(push.trigger, push.actor_name, title=_title(app, push), commit=push.commit, build_id=build.id)
    deployment = write_deployment(session, context, app, asked)
    sentence = f"{push.commit[:12]} on {short_ref(push.ref)} is being built as deployment {deployment.number}."
    rule = Rule.TAG if tag_of(push.ref) else Rule.BRANCH
    _write(session, context, app, push, Stopped(rule, sentence, "accepted"))
    return PushDecision("deployed", sentence, build.id, deployment.id)


def what_to_build(app: App, ref: str, commit: str, *, no_cache: bool = False) -> AskedBuild:
    """By branch, so that the later of two builds is never the older commit. A tag, and what a check has passed, is
    exactly that commit."""
    exactly = tag_of(ref) is not None or app.config.triggers.after_check is not None
    return AskedBuild(app.config.source, ref=None if exactly else branch_of(ref), commit=commit, no_cache=no_cache)


def _title(app: App, push: PushSeen) -> str:
    tag, branch = tag_of(push.ref), branch_of(push.ref)
    where = f"Tag {tag}" if tag else "" if branch == app.config.source.branch else f"Branch {branch}"
    message = push.head_message.strip().partition("\n")[0].strip()
    return ": ".join(part for part in (where, message) if part)[:_TITLE]


def _supersede_held(session: Session, app: App, push: PushSeen) -> None:
    """A newer push takes the place of one that waits for its check."""
    for row in held_pushes(session, app.id):
        row.decision, row.rule = "superseded", Rule.ORDER
        row.reason = f"{push.commit[:12]} took its place before the check {row.held_for} had passed."
        session.add(row)
        amend_decision(session, row.delivery_id, app.id, PushDecision("superseded", row.reason))


def _combined(decisions: Sequence[PushDecision]) -> PushDecision:
    best = min(decisions, key=lambda decision: _BEST_FIRST.index(decision.status))
    others = len(decisions) - 1
    if not others:
        return best
    rest = "The other ref of this push deploys" if others == 1 else f"The {others} other refs of this push deploy"
    return replace(best, message=f"{best.message} {rest} nothing.")


def _write(session: Session, context: Context, app: App, push: PushSeen, stopped: Stopped) -> None:
    session.add(
        Push(
            id=new_id("psh"),
            app_id=push.app_id,
            ref=push.ref,
            commit=push.commit,
            previous=push.previous if push.previous != NO_COMMIT else None,
            trigger=push.trigger,
            actor=push.actor_name,
            delivery_id=push.delivery_id,
            decision=stopped.decision,
            held_for=app.config.triggers.after_check if stopped.decision == "held" else None,
            rule=stopped.rule,
            reason=stopped.sentence,
            created_at=context.clock.now(),
        )
    )
