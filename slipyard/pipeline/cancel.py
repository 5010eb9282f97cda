"""Ending what has not ended: at once where nobody works on it, else by a word to its worker."""

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, is_over, is_terminal
from slipyard.pipeline.context import Context
from slipyard.store.tables import Build, Deployment
from slipyard.store.transition import transition

_WAITING = (DeploymentStatus.PENDING, DeploymentStatus.BUILDING)


async def cancel_build(context: Context, app_id: str, build_id: str, actor: Actor) -> Build:
    """The build and the deployment that waits for it. `Conflict` where it is over."""

    def cancel(session: Session) -> Build:
        build = session.get(Build, build_id, with_for_update=True)
        if build is None or build.app_id != app_id:
            raise NotFound(f"This app has no build {build_id}.")
        if is_terminal(build.status):
            raise Conflict(f"Build {build.number} is {build.status} already; there is nothing to cancel.")
        cancel_in(session, context, build, f"Cancelled by {actor.name}.")
        return build

    return await context.database.writing(cancel)


async def cancel_deployment(context: Context, app_id: str, deployment_id: str, actor: Actor) -> Deployment:
    """What served goes on serving. `Conflict` where it is over."""

    def cancel(session: Session) -> Deployment:
        row = session.get(Deployment, deployment_id, with_for_update=True)
        if row is None or row.app_id != app_id:
            raise NotFound(f"This app has no deployment {deployment_id}.")
        if is_over(row.status):
            raise Conflict(f"Deployment {row.number} is {row.status} already; `slipyard rollback` goes back from it.")
        cancel_deployment_in(session, context, row, f"Cancelled by {actor.name}.")
        return row

    return await context.database.writing(cancel)


def cancel_deployment_in(session: Session, context: Context, row: Deployment, reason: str) -> None:
    build = session.get(Build, row.build_id) if row.build_id else None
    if build is not None and not is_terminal(build.status):
        cancel_in(session, context, build, reason)
    elif row.status in _WAITING:
        _end_waiting(session, context, row, reason)
    else:
        row.cancel_reason = reason
        session.add(row)
        session.flush()


def cancel_in(session: Session, context: Context, build: Build, reason: str) -> None:
    now = context.clock.now()
    if build.status is BuildStatus.RUNNING:
        build.cancel_reason = reason
        session.add(build)
        session.flush()
        return
    transition(session, build, BuildStatus.CANCELLED, now=now, message=reason, error=reason, finished_at=now)
    waiting = select(Deployment).where(Deployment.build_id == build.id, col(Deployment.status).in_(_WAITING))
    for row in session.exec(waiting).all():
        _end_waiting(session, context, row, reason)


def _end_waiting(session: Session, context: Context, row: Deployment, reason: str) -> None:
    now = context.clock.now()
    transition(session, row, DeploymentStatus.CANCELLED, now=now, message=reason, error=reason, finished_at=now)
