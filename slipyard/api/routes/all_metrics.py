"""What all apps use, for people and for Prometheus."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from sqlmodel import Session, col, select

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.measured_families import measured_families
from slipyard.api.views.metrics_view import Asked, series_view
from slipyard.api.views.prometheus_text import CONTENT_TYPE, prometheus_text
from slipyard.domain.actor import Actor
from slipyard.domain.schemas.metrics_output import AllUsage, AppUsage
from slipyard.pipeline.context import Context
from slipyard.store.queries.measured import services_by_instance
from slipyard.store.series.files import SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.tables import App

router = APIRouter(tags=["run time"], route_class=GuardedRoute)
scrape = APIRouter(tags=["administration"], route_class=GuardedRoute)


@router.get("/metrics", dependencies=[requires("apps:read", one_app=True)])
async def all_metrics(context: ContextDep, actor: ActorDep) -> AllUsage:
    """The newest step of each service that runs now, of every app that this token sees; most processor time first."""
    apps = await _apps(context, actor)
    found = await asyncio.to_thread(_services, context, apps)
    return AllUsage(services=sorted(found, key=lambda each: (-each.now.cpu_cores, each.app, each.service)))


@scrape.get("/metrics", dependencies=[requires("apps:read", one_app=True)], response_class=PlainTextResponse)
async def prometheus(context: ContextDep, actor: ActorDep) -> PlainTextResponse:
    """For Prometheus, with a token as `authorization` of the scrape; of every app that the token sees."""
    apps = await _apps(context, actor)
    services = await context.database.reading(lambda session: services_by_instance(session, apps))
    now = context.clock.now().timestamp()
    families = await asyncio.to_thread(measured_families, SeriesFiles(context.layout.metrics), apps, services, now)
    return PlainTextResponse(prometheus_text(families), headers={"Content-Type": CONTENT_TYPE})


async def _apps(context: Context, actor: Actor) -> dict[str, str]:
    """Slug by id."""

    def look(session: Session) -> dict[str, str]:
        query = select(App.id, App.slug).where(
            App.organization_id == actor.organization_id, col(App.deleted_at).is_(None)
        )
        return {app_id: slug for app_id, slug in session.exec(query.order_by(col(App.slug))) if actor.sees(app_id)}

    return await context.database.reading(look)


def _services(context: Context, apps: dict[str, str]) -> list[AppUsage]:
    files, asked = SeriesFiles(context.layout.metrics), Asked(int(context.clock.now().timestamp()), None, FINE.step)
    found = []
    for app_id, slug in apps.items():
        for measured in files.of_app(app_id):
            if measured.kind != "service":
                continue
            view = series_view(files, app_id, measured, asked)
            if view.now is not None and view.answers is not None:
                found.append(
                    AppUsage(app_id=app_id, app=slug, service=measured.name, now=view.now, answers=view.answers)
                )
    return found
