"""What waits and what runs in this organization, and why."""

from fastapi import APIRouter
from sqlmodel import Session, col, select

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.domain.schemas.work_output import QueueItem, QueueView
from slipyard.store.queries.builds import UNFINISHED
from slipyard.store.queries.deployments import AT_WORK, WAITING
from slipyard.store.tables import App, Build, Deployment

router = APIRouter(tags=["build and deploy"], route_class=GuardedRoute)
_AT_MOST = 1000
_UNDER_WAY = {BuildStatus.RUNNING, *AT_WORK}


@router.get("/queue", dependencies=[requires("apps:read")])
async def queue(context: ContextDep, actor: ActorDep) -> QueueView:
    """Oldest first."""
    return await context.database.reading(lambda session: _queue(session, actor.organization_id))


def _queue(session: Session, organization_id: str) -> QueueView:
    builds = (
        select(Build, App.slug)
        .join(App, col(Build.app_id) == col(App.id))
        .where(App.organization_id == organization_id, col(Build.status).in_(UNFINISHED))
    )
    deployments = (
        select(Deployment, App.slug)
        .join(App, col(Deployment.app_id) == col(App.id))
        .where(App.organization_id == organization_id, col(Deployment.status).in_((*WAITING, *AT_WORK)))
    )
    rows: list[tuple[Build | Deployment, str]] = [
        *session.exec(builds.order_by(col(Build.id)).limit(_AT_MOST)).all(),
        *session.exec(deployments.order_by(col(Deployment.id)).limit(_AT_MOST)).all(),
    ]
    busy = {row.app_id for row, _ in rows if row.status in _UNDER_WAY}
    items = [(row.status in _UNDER_WAY, _item(row, slug, row.app_id in busy)) for row, slug in rows]
    return QueueView(
        running=[item for under_way, item in items if under_way],
        waiting=[item for under_way, item in items if not under_way],
    )


def _item(row: Build | Deployment, slug: str, app_is_busy: bool) -> QueueItem:
    return QueueItem(
        kind="build" if isinstance(row, Build) else "deployment",
        id=row.id,
        app_id=row.app_id,
        app=slug,
        number=row.number,
        status=str(row.status),
        reason=_reason(row, app_is_busy),
        created_at=row.created_at,
    )


def _reason(row: Build | Deployment, app_is_busy: bool) -> str:
    if isinstance(row, Deployment) and row.parked is not None:
        return row.progress or "Waits for its next step."
    if row.status in _UNDER_WAY:
        return f"Worked on by {row.claim_holder}." if row.claim_holder else "Between two workers; it is resumed."
    if row.status is DeploymentStatus.BUILDING and row.release_id is None:
        return "Waits for its build."
    if isinstance(row, Deployment) and row.release_id is None and row.image is None:
        return "Waits for its build to begin."
    if app_is_busy:
        return "Waits for its turn: another one of the same app is under way."
    return "Waits for a free worker."
