"""Instances, the status of an app, and events."""

from sqlmodel import Session, col, select

from slipyard.api.views.service_views import service_views
from slipyard.domain.app_status import app_status
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import ReleaseConfig
from slipyard.domain.schemas.runtime_output import EventView, InstanceView, StatusView
from slipyard.domain.settings import Settings
from slipyard.store.queries.app_facts import app_facts
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.queries.instances import instances_of, running_by_service
from slipyard.store.tables import App, Event, Instance, Release

_PHASES = {
    InstanceStatus.PLANNED: "pending",
    InstanceStatus.STARTED: "starting",
    InstanceStatus.READY: "running",
    InstanceStatus.SERVING: "running",
    InstanceStatus.DRAINING: "draining",
    InstanceStatus.PAUSED: "paused",
    InstanceStatus.RETIRING: "terminating",
    InstanceStatus.RETIRED: "terminated",
}


def instance_views(session: Session, app: App) -> list[InstanceView]:
    rows = instances_of(session, app.id)
    releases = {row.release_id for row in rows}
    query = select(col(Release.id), col(Release.config)).where(col(Release.id).in_(releases))
    configs = dict(session.exec(query).all())
    return [_instance_view(app, row, _image(configs.get(row.release_id), row.service)) for row in rows]


_SLEEPING = "sleeping"  # on purpose: what wakes it is a request


def status_view(session: Session, app: App, settings: Settings) -> StatusView:
    facts = app_facts(session, [app.id])[app.id]
    state, message = app_status(facts)
    instances, live = instance_views(session, app), _live_config(session, app)
    answers = app.last_deployed_at is not None and (live is None or live.routed is not None)
    return StatusView(
        app_id=app.id,
        state=str(state),
        message=message,
        desired_replicas=0 if app.stopped else facts.wanted,
        replicas=sum(each.phase != _PHASES[InstanceStatus.PAUSED] for each in instances),
        ready_replicas=facts.serving,
        url=settings.app_url(app.host) if answers else None,
        services=service_views(live, running_by_service(session, [app.id]).get(app.id, {}), stopped=app.stopped),
        instances=instances,
        pods=instances,
    )


def _image(config: ReleaseConfig | None, service: str) -> str | None:
    if config is None:
        return None
    own = next((each.image for each in config.services if each.name == service), None)
    return (own or config.image).reference


def _live_config(session: Session, app: App) -> ReleaseConfig | None:
    active = active_deployment(session, app.id)
    release = session.get(Release, active.release_id) if active is not None and active.release_id else None
    return release.config.scaled(app.scaled_to) if release is not None else None


def event_view(row: Event) -> EventView:
    return EventView(**row.model_dump(include=set(EventView.model_fields)))


def _instance_view(app: App, row: Instance, image: str | None) -> InstanceView:
    serves = row.status is InstanceStatus.SERVING
    sleeps = app.asleep_since is not None and serves and (row.port is not None or row.paused_at is not None)
    return InstanceView(
        id=row.id,
        name=f"{app.slug}-{row.service}-{row.id[-8:]}",
        service=row.service,
        phase=_SLEEPING if sleeps else _PHASES[row.status],
        ready=row.status in {InstanceStatus.READY, InstanceStatus.SERVING} and not sleeps,
        in_rotation=row.port is not None and serves and not sleeps and row.resting_since is None,
        restarts=row.failures,
        exit_code=row.exit_code,
        next_start_at=row.retry_at if row.trouble else None,
        trouble=row.trouble,
        last_lines=row.last_lines or [],
        image=image,
        address=row.address,
        container_id=row.container_id,
        deployment_id=row.deployment_id,
        release_id=row.release_id,
        started_at=row.created_at if row.container_id else None,
        created_at=row.created_at,
    )
