"""An instance that is out of every route. A retiring one may be stopped and removed, and cannot be called back; one that
is set aside finishes its requests and is then paused, for a way back."""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.store.tables import Deployment, Instance, Release
from slipyard.store.transition import transition


@dataclass(frozen=True)
class Change:
    """One deployment takes the place of another. `before` is None where none was active."""

    now: Deployment
    before: Deployment | None


def retire(session: Session, context: Context, instance: Instance, why: str) -> None:
    now = context.clock.now()
    message = f"Instance {instance.id[-8:]} retires: {why}."
    since = instance.retiring_at or now
    transition(session, instance, InstanceStatus.RETIRING, now=now, message=message, retiring_at=since)


def make_way(session: Session, context: Context, instance: Instance, change: Change, why: str) -> None:
    """Kept where a later rollback may want it, else retired."""
    if not _is_worth_keeping(session, context, instance, change):
        retire(session, context, instance, why)
        return
    now = context.clock.now()
    message = f"Instance {instance.id[-8:]} is set aside: {why}."
    transition(session, instance, InstanceStatus.DRAINING, now=now, message=message, retiring_at=now)


def _is_worth_keeping(session: Session, context: Context, instance: Instance, change: Change) -> bool:
    """Web instances of the release right before. What may run only once must have ended, and a worker takes jobs."""
    before = change.before
    return (
        context.settings.keep_paused_seconds > 0
        and instance.status is InstanceStatus.SERVING
        and instance.port is not None
        and before is not None
        and before.evidence is None
        and before.id == instance.deployment_id
        and before.release_id != change.now.release_id
        and not any(_runs_alone(session, each.release_id, instance.service) for each in (before, change.now))
    )


def _runs_alone(session: Session, release_id: str | None, service: str) -> bool:
    return service in session.get_one(Release, release_id).config.alone
