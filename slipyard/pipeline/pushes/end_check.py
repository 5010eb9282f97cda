"""A check of a commit ended: the push that waited for it goes on, or is told why it does not."""

from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from slipyard.domain.announcement import CheckEnd
from slipyard.domain.push_rules import Rule, short_ref
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.keep_decision import amend_decision, keep_decision, recorded_decision
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.pipeline.pushes.receive_push import what_to_build
from slipyard.pipeline.write_down import Asked, write_build, write_deployment
from slipyard.store.queries.pushes import held_pushes
from slipyard.store.tables import App, CheckSeen, Push


@dataclass(frozen=True)
class ChecksEnded:
    """Those of one message. A later one of the same commit and name counts: a check may be run again."""

    app_id: str
    checks: tuple[CheckEnd, ...]
    delivery_id: str | None = None


async def end_checks(context: Context, ended: ChecksEnded) -> PushDecision:
    """In one transaction, the decision about the delivery with it."""
    decision = await context.database.writing(partial(_decide, context=context, ended=ended))
    if decision.build_id is not None:
        await context.queue.wake("build", decision.build_id)
    return decision


def _decide(session: Session, context: Context, ended: ChecksEnded) -> PushDecision:
    app = session.get_one(App, ended.app_id, with_for_update=True)
    recorded = recorded_decision(session, ended.delivery_id, app.id)
    if recorded is not None:
        return recorded
    decision = _decision(session, context, app, ended)
    keep_decision(session, context, ended.delivery_id, app.id, decision)
    return decision


def _decision(session: Session, context: Context, app: App, ended: ChecksEnded) -> PushDecision:
    names = {app.config.triggers.after_check, *(push.held_for for push in held_pushes(session, app.id))}
    awaited = [check for check in ended.checks if check.name in names]
    if not awaited:
        return PushDecision("ignored", _not_awaited(app, ended))
    for check in awaited:
        _remember(session, context, app, check)
        for push in held_pushes(session, app.id):
            if (push.commit, push.held_for) == (check.commit, check.name):
                return _go_on(session, context, app, push) if check.passed else _stay(session, app, push)
    check = awaited[-1]
    outcome = "passed" if check.passed else "failed"
    sentence = f"The check {check.name} of {check.commit[:12]} {outcome}; no push of that commit waits for it."
    return PushDecision("ignored", sentence)


def _not_awaited(app: App, ended: ChecksEnded) -> str:
    wanted = app.config.triggers.after_check
    name = ", ".join(sorted({check.name for check in ended.checks}))
    if wanted is None:
        return f"The check {name} ended; triggers.after_check names none to wait for."
    return f"The check {name} ended; pushes wait for the check {wanted} (triggers.after_check)."


def _remember(session: Session, context: Context, app: App, check: CheckEnd) -> None:
    now = context.clock.now()
    row = session.get(CheckSeen, (app.id, check.commit, check.name))
    row = row or CheckSeen(app_id=app.id, commit=check.commit, name=check.name, passed=check.passed, seen_at=now)
    row.passed, row.seen_at = check.passed, now
    session.add(row)
    session.flush()


def _stay(session: Session, app: App, push: Push) -> PushDecision:
    push.reason = (
        f"{push.commit[:12]} waits for the check {push.held_for}, which failed; it is deployed once it passes."
    )
    session.add(push)
    amend_decision(session, push.delivery_id, app.id, PushDecision("skipped", push.reason))
    sentence = f"The check {push.held_for} of {push.commit[:12]} failed: that push is not deployed. What is live stays."
    return PushDecision("skipped", sentence)


def _go_on(session: Session, context: Context, app: App, push: Push) -> PushDecision:
    stopped = _why_not(app)
    if stopped is not None:
        return PushDecision("ignored", stopped)
    build = write_build(session, context, app, what_to_build(app, push.ref, push.commit))
    title = f"After the check {push.held_for}"
    asked = Asked(push.trigger, push.actor, title=title, commit=push.commit, build_id=build.id)
    deployment = write_deployment(session, context, app, asked)
    push.decision, push.rule = "accepted", Rule.AFTER_CHECK
    push.reason = (
        f"The check {push.held_for} passed: {push.commit[:12]} is being built as deployment {deployment.number}."
    )
    session.add(push)
    waited = f"It waited for the check {push.held_for}, which passed: deployment {deployment.number}."
    amend_decision(session, push.delivery_id, app.id, PushDecision("skipped", waited, build.id, deployment.id))
    sentence = (
        f"The check {push.held_for} passed: {push.commit[:12]} on {short_ref(push.ref)} is being built as "
        f"deployment {deployment.number}."
    )
    return PushDecision("deployed", sentence, build.id, deployment.id)


def _why_not(app: App) -> str | None:
    if app.deleting_at is not None:
        return "The app is being deleted."
    if app.decided_commit is None:
        return "The app's source was changed while this push waited; it is not deployed."
    if not app.config.auto_deploy:
        return "The check passed, and auto_deploy is off by now; `slipyard deploy` deploys the branch's head."
    return None
