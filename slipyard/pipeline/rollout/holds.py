"""Why a deployment may not begin yet: somebody else must approve it, the app is locked, or a freeze lasts.

It is parked without a worker until then, see `go_on.py`; `progress` says what it waits for.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.freeze import freeze_at
from slipyard.domain.rollout import RECREATE_BEFOREHAND, Strategy
from slipyard.domain.volume import EXCLUSIVE_BEFOREHAND
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.deployments import WAITING, active_deployment
from slipyard.store.queries.volumes import has_exclusive_volume
from slipyard.store.tables import App, Deployment, Release

APPROVAL, LOCK, FREEZE = "approval", "lock", "freeze"
HOLDS = frozenset({APPROVAL, LOCK, FREEZE})
ROLLBACK = "rollback"
# Triggers that run again what is live: they take the place of nothing that was asked for before them.
REPEATS = ("start", "restart")


@dataclass(frozen=True)
class Hold:
    kind: str
    reason: str
    until: datetime | None = None


def hold_of(app: App, row: Deployment, now: datetime) -> Hold | None:
    """Going back is never held: whoever asks for it on a locked app has said so, see `roll_back.py`."""
    if row.trigger == ROLLBACK:
        return None
    if row.awaits_approval:
        return Hold(APPROVAL, f"Waits for approval by somebody else than {row.actor}.")
    if app.locked_at is not None:
        return Hold(LOCK, f"Waits: {lock_sentence(app)}")
    return None if row.trigger in REPEATS or row.force_reason is not None else _freeze(app, now)


def put_on_hold(session: Session, app: App, row: Deployment, now: datetime) -> bool:
    """Parks what may not begin and frees what may again, in the caller's transaction. Whether it waits."""
    hold = hold_of(app, row, now)
    if hold is None:
        if row.parked in HOLDS:
            row.parked, row.parked_until, row.progress = None, None, beforehand(session, app)
    elif (row.parked, row.progress) != (hold.kind, hold.reason):
        row.parked, row.parked_until, row.progress = hold.kind, hold.until, hold.reason
        record(session, app.id, "deployment.held", hold.reason, now=now, deployment_id=row.id)
    session.add(row)
    session.flush()
    return hold is not None


async def look_again(context: Context, deployment_id: str) -> bool:
    """Whether one that was held may begin now."""

    def look(session: Session) -> bool:
        row = session.get_one(Deployment, deployment_id, with_for_update=True)
        app = session.get_one(App, row.app_id, with_for_update=True)
        return row.status in WAITING and not put_on_hold(session, app, row, context.clock.now())

    return await context.database.writing(look)


async def wake_held(context: Context, app_id: str) -> None:
    """After the reason of an app went away."""
    for deployment_id in await context.database.reading(lambda session: _held(session, app_id)):
        if await look_again(context, deployment_id):
            await context.queue.wake("deploy", deployment_id)


def needs_approval(context: Context, app: App, trigger: str) -> bool:
    """Decided when it is asked for: who lifts the protection afterwards does not let go what waits."""
    if app.parent_id is not None or trigger in {ROLLBACK, *REPEATS}:
        return False
    return app.config.protected or app.environment in context.settings.protected_environments


def beforehand(session: Session, app: App) -> str | None:
    """What visitors are going to notice."""
    replaces = app.last_deployed_at is not None and not app.stopped
    if not replaces:
        return None
    if app.config.rollout.strategy is Strategy.RECREATE:
        return RECREATE_BEFOREHAND
    if not has_exclusive_volume(session, app.id) or _has_data_elsewhere(session, app.id):
        return None
    return EXCLUSIVE_BEFOREHAND


def _has_data_elsewhere(session: Session, app_id: str) -> bool:
    """Only services that no request goes to make way, where they changed."""
    active = active_deployment(session, app_id)
    release = session.get(Release, active.release_id) if active is not None and active.release_id else None
    routed = release.config.routed if release is not None else None
    return release is not None and bool(release.config.alone) and routed is not None and not routed.alone


def lock_sentence(app: App) -> str:
    why = f": {app.lock_reason.rstrip('.')}" if app.lock_reason else ""
    return f"{app.slug} is locked by {app.locked_by}{why}. `slipyard unlock {app.slug}` lets deployments go."


def _freeze(app: App, now: datetime) -> Hold | None:
    freeze = None if app.parent_id is not None else freeze_at(app.config.freeze, now)
    if freeze is None:
        return None
    why = f" ({freeze.reason.rstrip('.')})" if freeze.reason else ""
    return Hold(FREEZE, f"Waits for the end of a freeze{why} at {freeze.until:%a %Y-%m-%d %H:%M} UTC.", freeze.until)


def _held(session: Session, app_id: str) -> list[str]:
    query = select(Deployment.id).where(Deployment.app_id == app_id, col(Deployment.status).in_(WAITING))
    return list(session.exec(query.where(col(Deployment.parked).in_(HOLDS)).order_by(col(Deployment.number))).all())
