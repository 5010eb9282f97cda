"""What the rows and the events say of an instance that complains, or is well again."""

from sqlmodel import Session

from slipyard.domain.healing import is_unhealthy, unhealthy_sentence
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.tables import Instance


def say_unhealthy(session: Session, context: Context, instance_id: str, said: str, times: int) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.SERVING:
        row.trouble = unhealthy_sentence(said, times)
        session.add(row)
        now, message = context.clock.now(), f"{row.id[-8:]}: {row.trouble}"
        record(session, row.app_id, "instance.unhealthy", message, now=now, instance_id=row.id)


def say_well(session: Session, context: Context, instance_id: str) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.SERVING and is_unhealthy(row.trouble):
        row.trouble, row.retry_at = None, None
        session.add(row)
        now = context.clock.now()
        record(session, row.app_id, "instance.healthy", f"{row.id[-8:]} is well again.", now=now, instance_id=row.id)
