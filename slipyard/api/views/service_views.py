"""Services of what is live, with how many of each run."""

from collections.abc import Mapping

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import ReleaseConfig, ServiceSpec
from slipyard.domain.schemas.service_shapes import ServicesChangedView, ServiceView
from slipyard.pipeline.change_services import ServicesChanged
from slipyard.store.tables import App

Running = Mapping[tuple[str, InstanceStatus], int]  # by service and status


def service_views(config: ReleaseConfig | None, running: Running, *, stopped: bool = False) -> list[ServiceView]:
    """Of the active release; none before the first deployment."""
    return [] if config is None else [_view(config, each, running, stopped=stopped) for each in config.services]


def changed_services_view(app: App, changed: ServicesChanged) -> ServicesChangedView:
    row = changed.deployment
    return ServicesChangedView(
        app_id=app.id,
        message=changed.message,
        deployment_id=row.id if row else None,
        release_id=row.release_id if row else None,
    )


def _view(config: ReleaseConfig, service: ServiceSpec, running: Running, *, stopped: bool) -> ServiceView:
    serving = running.get((service.name, InstanceStatus.SERVING), 0)
    routed = config.routed
    own = f"{service.name}/"
    return ServiceView(
        name=service.name,
        image=(service.image or config.image).reference,
        command=None if service.command is None else list(service.command),
        entrypoint=None if service.entrypoint is None else list(service.entrypoint),
        port=service.port,
        public=routed is not None and routed.name == service.name,
        replicas=service.replicas,
        running=serving,
        resources=service.resources,
        env_vars=[name.removeprefix(own) for name in sorted(config.env_fingerprints) if name.startswith(own)],
        depends_on=list(service.depends_on),
        mounts=list(service.mounts),
        aliases=list(service.aliases),
        one_shot=service.one_shot,
        status="stopped" if stopped else _status(service, serving, running),
    )


def _status(service: ServiceSpec, serving: int, running: Running) -> str:
    if service.one_shot:
        return "once"
    if service.replicas == 0:
        return "stopped"
    if serving >= service.replicas:
        return "running"
    coming = (InstanceStatus.PLANNED, InstanceStatus.STARTED, InstanceStatus.READY)
    if not serving and any(running.get((service.name, status)) for status in coming):
        return "starting"
    return "degraded"
