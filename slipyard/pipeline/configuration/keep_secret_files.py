"""Secret files lie in memory only for releases whose containers may be there."""

from sqlalchemy import func
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.store.tables import Instance, OneOff


async def keep_secret_files(context: Context) -> None:
    """One pass. Rows come before containers, and containers after their files, so that none goes too early."""
    await context.driver.keep_secret_files(await context.database.reading(_in_use))


def _in_use(session: Session) -> set[str]:
    made_for = func.coalesce(col(Instance.made_for), col(Instance.release_id))
    instances = select(made_for).where(col(Instance.status) != InstanceStatus.RETIRED).distinct()
    commands = select(OneOff.release_id).where(col(OneOff.ended_at).is_(None)).distinct()
    return {*session.exec(instances), *session.exec(commands)}
