"""An instance that is out of every route: from here on it may be stopped and removed, and cannot be called back."""

from sqlmodel import Session

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.store.tables import Instance
from slipyard.store.transition import transition


def retire(session: Session, context: Context, instance: Instance, why: str) -> None:
    now = context.clock.now()
    message = f"Instance {instance.id[-8:]} retires: {why}."
    transition(session, instance, InstanceStatus.RETIRING, now=now, message=message, retiring_at=now)
