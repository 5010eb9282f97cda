"""An app as it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slipyard.api.views.service_views import Running, service_views
from slipyard.domain.app_status import AppFacts, app_status
from slipyard.domain.ids import short_id
from slipyard.domain.plan import LOCAL, find_plan
from slipyard.domain.release import ReleaseConfig
from slipyard.domain.schemas.app_output import (
    AppView,
    LockFact,
    MaintenanceFact,
    Owner,
    PollFact,
    VolumeFact,
    WebhookFact,
)
from slipyard.domain.schemas.work_output import DeploymentView
from slipyard.domain.settings import Settings
from slipyard.store.tables import App, Deployment, Hook, Poll, Volume

# Answered under the names that they have there.
_OF_ROW = (
    "id", "name", "slug", "description", "labels", "organization_id", "parent_id", "environment",
    "has_git_access", "git_access_error", "scaled_to", "version", "created_at", "updated_at", "last_deployed_at",
)  # fmt: skip
_OF_CONFIG = (
    "auto_deploy", "watch_paths", "triggers", "build_cache", "rollout", "release_command", "before_deploy",
    "after_deploy", "command_seconds", "port", "health_check", "resources", "min_instances", "max_instances",
    "idle_timeout_minutes", "sleep_workers", "autoscale", "source",
)  # fmt: skip


@dataclass(frozen=True)
class Live:
    """What serves: the active deployment and its release."""

    deployment: Deployment
    release_id: str | None
    config: ReleaseConfig | None
    container_id: str | None = None


@dataclass(frozen=True)
class Surroundings:
    """What an app's answer needs beside its row."""

    facts: AppFacts
    live: Live | None
    hook: Hook | None = None
    last_delivery: datetime | None = None
    deployments: Sequence[DeploymentView] | None = field(default=None)
    poll: Poll | None = None
    own_names: Sequence[str] = ()
    running: Running = field(default_factory=dict)
    volumes: Sequence[Volume] = ()


def app_view(app: App, around: Surroundings, settings: Settings) -> AppView:
    """Every field of the promise; what Slipyard does not know yet is null or empty, and there."""
    config, live = app.config, around.live
    status, message = app_status(around.facts)
    plan = find_plan(settings.plans, app.plan)
    url = settings.app_url(app.host)
    image = live.config.image.reference if live and live.config else None
    volumes = [_volume(row) for row in around.volumes]
    return AppView(
        **{name: getattr(app, name) for name in _OF_ROW},
        **{name: getattr(config, name) for name in _OF_CONFIG},
        short_id=short_id(app.id),
        owner=Owner(id=app.organization_id),
        region=app.region or LOCAL,
        plan_id=app.plan,
        plan_name=(plan.name or plan.id) if plan else app.plan,
        plan_max_apps=plan.max_apps if plan else None,
        plan_max_domains=plan.max_custom_domains if plan else None,
        git_url=git_url(settings, app.slug) if config.source.own_remote and app.parent_id is None else None,
        protected=config.protected or app.environment in settings.protected_environments,
        freeze=list(config.freeze),
        lock=_lock(app),
        maintenance=MaintenanceFact(enabled=app.maintenance is not None, message=app.maintenance or ""),
        health_check_path=config.health_check.path,
        replicas=config.min_instances,
        scale_to_zero_enabled=config.scale_to_zero,
        is_scaled_to_zero=app.asleep_since is not None,
        instance_count=around.facts.occupied,
        running_instances=around.facts.serving,
        services=service_views(live.config if live else None, around.running, stopped=app.stopped),
        domains=[app.host, *around.own_names],
        domain=app.host,
        domain_count=len(around.own_names),
        volume=next(iter(volumes), None),
        volumes=volumes,
        default_url=url,
        url=url if app.last_deployed_at and _answers(live) else None,
        image=config.source.image or image,
        active_image=image,
        container_id=live.container_id if live else None,
        status=str(status),
        status_message=message,
        last_error=around.facts.last_error,
        active_release_id=live.release_id if live else None,
        active_deployment_id=live.deployment.id if live else None,
        webhook=_webhook(around, settings),
        poll=poll_fact(around.poll),
        deployments=None if around.deployments is None else list(around.deployments),
    )


def _answers(live: Live | None) -> bool:
    """Whether anybody outside can ask it: an app whose services are all its own has no address."""
    return live is None or live.config is None or live.config.routed is not None


def git_url(settings: Settings, slug: str) -> str:
    return f"{settings.api_url}/git/{slug}.git"


def hook_url(settings: Settings, hook: Hook) -> str:
    return f"{settings.api_url}/webhooks/{hook.provider}/{hook.id}"


def poll_fact(row: Poll | None) -> PollFact | None:
    return PollFact(**row.model_dump(include=set(PollFact.model_fields))) if row else None


def _lock(app: App) -> LockFact | None:
    if app.locked_at is None:
        return None
    return LockFact(by=app.locked_by or "", reason=app.lock_reason or "", since=app.locked_at)


def _webhook(around: Surroundings, settings: Settings) -> WebhookFact | None:
    if around.hook is None:
        return None
    return WebhookFact(url=hook_url(settings, around.hook), last_delivery=around.last_delivery)


def _volume(row: Volume) -> VolumeFact:
    path = next((each.path for each in row.attachments), None)
    return VolumeFact(name=row.name, mount_path=path, size_bytes=row.size_bytes, used_bytes=row.used_bytes)
