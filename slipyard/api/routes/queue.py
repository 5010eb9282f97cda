"""What waits and what runs in this organization, and why."""

from fastapi import APIRouter
from sqlmodel import Session, col, select

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.waiting import UNDER_WAY, Waits, waits_of
from slipyard.domain.schemas.work_output import QueueItem, QueueView
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS
from slipyard.store.tables import App, Build, Deployment, Push

router = APIRouter(tags=["build and deploy"], route_class=GuardedRoute)
_AT_MOST = 1000


@router.get("/queue", dependencies=[requires("apps:read")])
async def queue(context: ContextDep, actor: ActorDep) -> QueueView:
    """Oldest first."""
    return await context.database.reading(lambda session: _queue(session, actor.organization_id))


def _queue(session: Session, organization_id: str) -> QueueView:
    builds = (
        select(Build, App.slug)
        .join(App, col(Build.app_id) == col(App.id))
        .where(App.organization_id == organization_id, col(Build.status).in_(UNFINISHED_BUILDS))
    )
    deployments = (
        select(Deployment, App.slug)
        .join(App, col(Deployment.app_id) == col(App.id))
        .where(App.organization_id == organization_id, col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS))
    )
    rows: list[tuple[Build | Deployment, str]] = [
        *session.exec(builds.order_by(col(Build.id)).limit(_AT_MOST)).all(),
        *session.exec(deployments.order_by(col(Deployment.id)).limit(_AT_MOST)).all(),
    ]
    waits = waits_of(session, [row for row, _ in rows])
    items = [(row.status in UNDER_WAY, _item(row, slug, waits[row.id])) for row, slug in rows]
    return QueueView(
        running=[item for under_way, item in items if under_way],
        waiting=[*(item for under_way, item in items if not under_way), *_held(session, organization_id)],
    )


def _held(session: Session, organization_id: str) -> list[QueueItem]:
    pushes = (
        select(Push, App.slug)
        .join(App, col(Push.app_id) == col(App.id))
        .where(App.organization_id == organization_id, Push.decision == "held")
    )
    return [
        QueueItem(
            kind="push",
            id=push.id,
            app_id=push.app_id,
            app=slug,
            number=None,
            status=push.decision,
            reason=f"Waits for the check {push.held_for} of {push.commit[:12]}.",
            position=None,
            created_at=push.created_at,
        )
        for push, slug in session.exec(pushes.order_by(col(Push.id)).limit(_AT_MOST))
    ]


def _item(row: Build | Deployment, slug: str, waits: Waits) -> QueueItem:
    return QueueItem(
        kind="build" if isinstance(row, Build) else "deployment",
        id=row.id,
        app_id=row.app_id,
        app=slug,
        number=row.number,
        status=str(row.status),
        reason=waits.reason,
        position=waits.position,
        created_at=row.created_at,
    )
