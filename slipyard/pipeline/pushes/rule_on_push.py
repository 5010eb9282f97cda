"""The first rule that stops a push, in the order that makes the most helpful answer. In the transaction that decides."""

from sqlmodel import Session

from slipyard.domain.push_rules import (
    Rule,
    Stopped,
    stopped_by_auto_deploy,
    stopped_by_check,
    stopped_by_marker,
    stopped_by_ref,
)
from slipyard.domain.ref_history import RefHistory
from slipyard.domain.source import SourceType
from slipyard.pipeline.pushes.look_at_pushes import Looked
from slipyard.pipeline.pushes.push_seen import ASKED_ITSELF, PushSeen
from slipyard.store.queries.deployments import active_deployment, unfinished_deployments
from slipyard.store.queries.pushes import check_seen, head_decided, ref_history
from slipyard.store.tables import App


def rule_on_push(session: Session, app: App, push: PushSeen, looked: Looked) -> Stopped | None:
    """None where it deploys."""
    config = app.config
    unheard = _stopped_by_source(app) or stopped_by_ref(config, push.ref, push.commit) or stopped_by_auto_deploy(config)
    if unheard is not None:
        return unheard
    history = looked.histories.get(push.ref) or ref_history(session, app.id, push.ref)
    return (
        _known(session, app, push, history)
        or _late(app, push, looked, history)
        or stopped_by_marker(push.head_message)
        or looked.unwatched.get(push.commit)
        or stopped_by_check(config, push.commit, check_seen(session, app.id, push.commit, config.triggers.after_check))
    )


def _stopped_by_source(app: App) -> Stopped | None:
    if app.deleting_at is not None:
        return Stopped(Rule.SOURCE, "The app is being deleted.")
    if app.config.source.type is not SourceType.GIT:
        kind = app.config.source.type
        return Stopped(Rule.SOURCE, f"The source of this app is {kind}, not git; change its source to deploy pushes.")
    return None


def _known(session: Session, app: App, push: PushSeen, history: RefHistory) -> Stopped | None:
    if push.again or push.commit not in {app.decided_commit, head_decided(app, push.ref, history)}:
        return None
    short, active = push.commit[:12], active_deployment(session, app.id)
    if active is not None and active.commit == push.commit:
        return Stopped(Rule.KNOWN, f"{short} is already live.")
    under_way = next((row for row in unfinished_deployments(session, app.id) if row.commit == push.commit), None)
    if under_way is not None:
        return Stopped(Rule.KNOWN, f"{short} was decided before; deployment {under_way.number} of it is under way.")
    if push.repeat:
        return None
    return Stopped(Rule.KNOWN, f"{short} was decided before; `slipyard deploy` deploys it again.")


def _late(app: App, push: PushSeen, looked: Looked, history: RefHistory) -> Stopped | None:
    """Never by clock. By what the senders said of the ref, which needs no mirror; then by ancestry in the mirror.

    Who moves a ref back says that it stood at what we know as its head: that is meant, also where the provider does
    not say "forced". A commit that neither knows anything about is taken: its build takes the branch's head anyway.
    """
    if app.decided_commit is None or push.trigger in ASKED_ITSELF:
        return None
    short, known = push.commit[:12], history.with_move(push.commit, push.previous)
    if known.head is not None and history.is_late(push.commit, push.previous):
        sentence = f"{short} is older than {known.head[:12]}, which was decided already: the ref has moved on from it."
        return Stopped(Rule.ORDER, sentence, "superseded")
    if history.continues(push.previous) or push.commit not in looked.older:
        return None
    sentence = f"{short} is older than {app.decided_commit[:12]}, which was decided already and contains it."
    return Stopped(Rule.ORDER, sentence, "superseded")
