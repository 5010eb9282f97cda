"""Whether there is a row that a loop would act on: asked for all loops in one query, and only when somebody wrote."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import col

from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus
from slipyard.pipeline.builds.publish_image import MOST_ATTEMPTS
from slipyard.pipeline.scale.autoscale import MAY_SCALE
from slipyard.pipeline.scale.find_idle import MAY_SLEEP
from slipyard.pipeline.telling.tell_previews import OVER
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS
from slipyard.store.tables import (
    Alert,
    App,
    Backup,
    Build,
    Deployment,
    Domain,
    Instance,
    LogDrain,
    Message,
    OneOff,
    Preview,
    RouteRow,
    Schedule,
    ScheduleRun,
    Volume,
)

_OPEN_BUILD = col(Build.status).in_(UNFINISHED_BUILDS)
_OPEN_DEPLOYMENT = col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS)

WAITING: Mapping[str, ColumnElement[bool]] = {
    "tell": exists().where(col(App.last_event) > col(App.last_told)),
    "send": exists().where(col(Message.finished_at).is_(None)),
    "recover": or_(
        exists().where(_OPEN_BUILD, col(Build.claim_token).is_not(None)),
        exists().where(_OPEN_DEPLOYMENT, col(Deployment.claim_token).is_not(None)),
    ),
    "wake": or_(
        exists().where(_OPEN_BUILD, col(Build.claim_token).is_(None)),
        exists().where(_OPEN_DEPLOYMENT, col(Deployment.claim_token).is_(None)),
    ),
    "go_on": exists().where(_OPEN_DEPLOYMENT, col(Deployment.parked).is_not(None)),
    "bake": exists().where(col(Deployment.status) == DeploymentStatus.ACTIVE, col(Deployment.bake_until).is_not(None)),
    "drain": exists().where(col(Instance.status) == InstanceStatus.RETIRING),
    "set_aside": exists().where(
        or_(
            col(Instance.status) == InstanceStatus.DRAINING,
            (col(Instance.status) == InstanceStatus.PAUSED) & col(Instance.paused_at).is_(None),
        )
    ),
    "idle": exists().where(or_(MAY_SLEEP, col(App.asleep_since).is_not(None))),
    "autoscale": exists().where(MAY_SCALE),
    "asleep": exists().where(col(App.asleep_since).is_not(None), col(App.rested_at).is_(None)),
    "paused": exists().where(col(Instance.status) == InstanceStatus.PAUSED),
    "publish": exists().where(
        col(Build.status) == BuildStatus.SUCCEEDED,
        col(Build.published_at).is_(None),
        col(Build.publish_attempts) < MOST_ATTEMPTS,
    ),
    "follow_routes": exists().where(col(RouteRow.applied).is_(False)),
    "previews": exists().where(or_(col(Preview.closed_at).is_(None), col(Preview.told).not_in(("", OVER)))),
    "commands": exists().where(col(OneOff.ended_at).is_(None)),
    "schedules": or_(
        exists().where(col(Schedule.next_at).is_not(None)),
        exists().where(col(ScheduleRun.ended_at).is_(None)),
        exists().where(col(OneOff.ended_at).is_(None), col(OneOff.schedule_run_id).is_not(None)),
    ),
    "alerts": exists().where(col(Alert.enabled).is_(True)),
    "forward": exists().where(col(LogDrain.enabled).is_(True)),
    "proofs": exists().where(col(Domain.verified_at).is_(None)),
    "backups": or_(
        exists().where(col(Backup.ended_at).is_(None)),
        exists().where(col(Volume.next_backup_at).is_not(None), col(Volume.removed_at).is_(None)),
    ),
    "volumes": exists().where(col(Volume.removed_at).is_(None)),
    "clean_up": exists().where(col(App.deleting_at).is_not(None), col(App.deleted_at).is_(None)),
}
"""By the name of the loop. One that is not here has more to look at than rows, and is never left out."""
