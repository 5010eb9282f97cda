"""The router's files are a projection of the rows: where they fell behind, they are written again."""

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.switch_route import apply_route, shown_route
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import App, Deployment, RouteRow


async def follow_routes(context: Context) -> None:
    """Leaves alone what a deployment at work has intended: its worker, or the next attempt, goes on from there."""
    for route in await context.database.reading(_behind):
        await apply_route(context, route)


def _behind(session: Session) -> list[Route]:
    at_work = select(Deployment.id).where(col(Deployment.status).in_(AT_WORK))
    query = (
        select(App, RouteRow)
        .join(App, col(App.id) == col(RouteRow.app_id))
        .where(col(RouteRow.applied).is_(False), col(App.deleting_at).is_(None))
        .where(col(RouteRow.deployment_id).is_(None) | col(RouteRow.deployment_id).not_in(at_work))
    )
    return [shown_route(app, row) for app, row in session.exec(query).all()]
