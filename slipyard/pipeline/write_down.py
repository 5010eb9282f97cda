"""Builds and deployments come into being here, in the transaction that accepts a trigger. An answer follows, then a wake-up."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.domain.source import Source
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.holds import REPEATS, beforehand, needs_approval, put_on_hold
from slipyard.store.environment import seal_env
from slipyard.store.events import record
from slipyard.store.tables import App, Build, Deployment
from slipyard.store.transition import transition


@dataclass(frozen=True)
class Asked:
    """What somebody wants to go live. Exactly one of build, release and image leads to it."""

    trigger: str
    actor: str
    title: str = ""
    description: str = ""
    commit: str | None = None
    image: str | None = None
    build_id: str | None = None
    release_id: str | None = None
    rolls_back: str | None = None
    replicas: int | None = None
    env: dict[str, str] | None = None
    principal: str | None = None
    promoted_from: str | None = None
    force_reason: str | None = None
    services: Sequence[str] | None = None  # only these start anew, and what is another one in its release; None: all


@dataclass(frozen=True)
class AskedBuild:
    source: Source
    ref: str | None = None
    commit: str | None = None
    snapshot_digest: str | None = None
    no_cache: bool = False


def write_build(session: Session, context: Context, app: App, asked: AskedBuild) -> Build:
    app.last_build += 1
    build = Build(
        id=new_id("bld"),
        app_id=app.id,
        number=app.last_build,
        status=BuildStatus.QUEUED,
        source=asked.source,
        ref=asked.ref,
        commit=asked.commit,
        snapshot_digest=asked.snapshot_digest,
        no_cache=asked.no_cache,
        created_at=context.clock.now(),
    )
    session.add_all([app, build])
    session.flush()
    record(session, app.id, "build.queued", f"Build {build.number} is queued.", now=build.created_at, build_id=build.id)
    return build


def write_deployment(session: Session, context: Context, app: App, asked: Asked) -> Deployment:
    """The newest request wins: what waits and has not begun is cancelled in the same transaction."""
    app.last_deployment += 1
    deployment = Deployment(
        id=new_id("dep"),
        app_id=app.id,
        number=app.last_deployment,
        status=DeploymentStatus.PENDING,
        trigger=asked.trigger,
        actor=asked.actor,
        title=asked.title,
        description=asked.description,
        commit=asked.commit,
        image=asked.image,
        build_id=asked.build_id,
        release_id=asked.release_id,
        rolls_back=asked.rolls_back,
        promoted_from=asked.promoted_from or _promotion_of(session, asked.release_id),
        principal=asked.principal,
        awaits_approval=needs_approval(context, app, asked.trigger),
        force_reason=asked.force_reason,
        replicas=asked.replicas,
        services=None if asked.services is None else list(asked.services),
        env_encrypted=None if asked.env is None else seal_env(context.cipher, asked.env),
        progress=beforehand(session, app),
        created_at=context.clock.now(),
    )
    session.add_all([app, deployment])
    session.flush()
    message = f"Deployment {deployment.number} was asked for by {asked.actor}."
    record(session, app.id, "deployment.pending", message, now=deployment.created_at, deployment_id=deployment.id)
    if asked.force_reason is not None:
        _say_forced(session, deployment)
    _overtake(session, context, deployment)
    put_on_hold(session, app, deployment, deployment.created_at)
    return deployment


def _say_forced(session: Session, row: Deployment) -> None:
    message = f"{row.actor} forced deployment {row.number}: {row.force_reason}"
    record(session, row.app_id, "deployment.forced", message, now=row.created_at, deployment_id=row.id)


def _promotion_of(session: Session, release_id: str | None) -> str | None:
    """What goes back to a release, or runs it again, comes from where that came from."""
    promoted = select(Deployment.promoted_from).where(
        Deployment.release_id == release_id, col(Deployment.promoted_from).is_not(None)
    )
    return session.exec(promoted.limit(1)).first() if release_id else None


def _overtake(session: Session, context: Context, newest: Deployment) -> None:
    """A queued build that nobody waits for any more is superseded; a running one goes on, for its cache."""
    waiting = (DeploymentStatus.PENDING, DeploymentStatus.BUILDING)
    older = session.exec(
        select(Deployment).where(
            Deployment.app_id == newest.app_id,
            col(Deployment.status).in_(waiting),
            col(Deployment.number) < newest.number,
        )
    )
    for row in older.all():
        if newest.trigger in REPEATS and row.trigger not in REPEATS:
            continue
        if newest.rolls_back is not None:
            continue  # what was asked for before may well be the remedy
        build = session.get(Build, row.build_id) if row.build_id else None
        if build is not None and build.status is BuildStatus.RUNNING:
            continue  # it may well be live before the newest is built
        message = f"Deployment {newest.number} took its place before it began."
        now = context.clock.now()
        if build is not None and build.status is BuildStatus.QUEUED:
            transition(session, build, BuildStatus.SUPERSEDED, now=now, message=message, finished_at=now)
        transition(session, row, DeploymentStatus.CANCELLED, now=now, message=message, error=message, finished_at=now)
