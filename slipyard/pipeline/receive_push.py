"""A commit that somebody sent or announced: what becomes of it, decided once, and why."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.write_down import Asked, AskedBuild, write_build, write_deployment
from slipyard.store.tables import App, Deployment, Push

NO_COMMIT = "0" * 40
OWN_REMOTE = "git"
_HEADS = "refs/heads/"


@dataclass(frozen=True)
class PushSeen:
    """`ref` is whole (refs/heads/main). `previous` is what the sender says the ref was before, if it says."""

    app_id: str
    ref: str
    commit: str
    previous: str | None
    trigger: str
    actor_name: str
    delivery_id: str | None = None
    no_cache: bool = False
    forced: bool = False


@dataclass(frozen=True)
class PushDecision:
    """`status` is deployed, ignored or superseded; `message` says why."""

    status: str
    message: str
    build_id: str | None = None
    deployment_id: str | None = None


async def receive_push(context: Context, push: PushSeen) -> PushDecision:
    """Writes the push, its build and its deployment down in one transaction, then wakes a worker."""
    older = await _is_older(context, push)
    decision = await context.database.writing(lambda session: _decide(session, context, push, older=older))
    if decision.build_id is not None:
        await context.queue.wake("build", decision.build_id)
    return decision


async def _is_older(context: Context, push: PushSeen) -> bool:
    """A late message, by ancestry in the mirror. A forced push goes back on purpose, and the own remote is never late."""
    if push.forced or push.trigger == OWN_REMOTE or push.commit == NO_COMMIT:
        return False
    decided = await context.database.reading(lambda session: session.get_one(App, push.app_id).decided_commit)
    if decided is None:
        return False
    return await context.git.is_ancestor(context.layout.repository(push.app_id), push.commit, decided)


def _decide(session: Session, context: Context, push: PushSeen, *, older: bool) -> PushDecision:
    app = session.get_one(App, push.app_id, with_for_update=True)
    ignored = _why_not(session, app, push, older=older)
    if ignored is not None:
        _write(session, context, push, "ignored", ignored)
        return PushDecision("ignored", ignored)
    app.decided_commit = push.commit
    asked = AskedBuild(app.config.source, ref=push.ref.removeprefix(_HEADS), commit=push.commit, no_cache=push.no_cache)
    build = write_build(session, context, app, asked)
    deployment = write_deployment(
        session, context, app, Asked(push.trigger, push.actor_name, commit=push.commit, build_id=build.id)
    )
    reason = f"{push.commit[:12]} on {push.ref.removeprefix(_HEADS)} is being built as deployment {deployment.number}."
    _write(session, context, push, "accepted", reason)
    return PushDecision("deployed", reason, build.id, deployment.id)


def _why_not(session: Session, app: App, push: PushSeen, *, older: bool) -> str | None:
    source = app.config.source
    branch = push.ref.removeprefix(_HEADS)
    if app.deleting_at is not None:
        return "The app is being deleted."
    if source.type is not SourceType.GIT:
        return f"The source of this app is {source.type}, not git; change its source to deploy pushes."
    if not push.ref.startswith(_HEADS) or branch != source.branch:
        return f"{push.ref} was stored; only branch {source.branch} is deployed."
    if push.commit == NO_COMMIT:
        return f"Branch {branch} was deleted; what is live stays."
    if not app.config.auto_deploy:
        return "auto_deploy is off; `slipyard deploy` deploys the branch's head."
    return _already(session, app, push, older=older)


def _already(session: Session, app: App, push: PushSeen, *, older: bool) -> str | None:
    if push.commit == app.decided_commit:
        active = session.exec(
            select(Deployment).where(Deployment.app_id == app.id, col(Deployment.status) == DeploymentStatus.ACTIVE)
        ).first()
        if active is not None and active.commit == push.commit:
            return f"{push.commit[:12]} is already live."
        return f"{push.commit[:12]} was decided before; `slipyard deploy` deploys it again."
    if older:
        return f"{push.commit[:12]} is older than what was decided already."
    return None


def _write(session: Session, context: Context, push: PushSeen, decision: str, reason: str) -> None:
    session.add(
        Push(
            id=new_id("psh"),
            app_id=push.app_id,
            ref=push.ref,
            commit=push.commit,
            previous=push.previous,
            trigger=push.trigger,
            actor=push.actor_name,
            delivery_id=push.delivery_id,
            decision=decision,
            reason=reason,
            created_at=context.clock.now(),
        )
    )
