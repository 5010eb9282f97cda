"""An instance ended by itself: written down with its code and its last lines, and said when it is a crash loop."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from slipyard.domain.errors import SlipyardError
from slipyard.domain.healing import CRASH_LOOP, STABLE, backoff_seconds, crash_sentence, failures_now, is_crash_loop
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.observed import InstanceRow
from slipyard.pipeline.observing.last_lines import last_lines
from slipyard.store.events import record
from slipyard.store.tables import Instance


@dataclass(frozen=True)
class End:
    """`times`: how often since somebody looked last."""

    times: int
    exit_code: int | None
    container_id: str


async def note_end(context: Context, row: InstanceRow, end: End) -> InstanceRow:
    """The row as it is now. From a crash loop on the engine does not start it again by itself: only the healer does,
    later each time."""
    instance = await context.database.reading(lambda session: session.get_one(Instance, row.id))
    lines = await last_lines(context, [instance])
    failed = await context.database.writing(lambda session: _failed(session, context, row.id, end, lines))
    if failed.failures >= CRASH_LOOP > row.failures:
        with suppress(SlipyardError):
            await context.driver.keep_running(end.container_id, keep=False)
    return row._replace(failures=failed.failures, retry_at=failed.retry_at, trouble=failed.trouble)


async def note_well(context: Context, row: InstanceRow, container_id: str) -> None:
    """What ran long enough has left its failures behind, and comes back by itself again."""
    if row.retry_at is not None and context.clock.now() - row.retry_at <= STABLE:
        return
    if await context.database.writing(lambda session: _recovered(session, context, row.id)):
        await context.driver.keep_running(container_id, keep=True)


def _failed(session: Session, context: Context, instance_id: str, end: End, lines: list[str]) -> Instance:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is not InstanceStatus.SERVING:
        return row
    now = context.clock.now()
    row.failures = failures_now(row.failures, started_at(row), now) + end.times - 1
    row.failed_at, row.exit_code, row.last_lines = now, end.exit_code, lines
    row.retry_at = now + timedelta(seconds=backoff_seconds(row.failures))
    if row.failures >= CRASH_LOOP:
        row.trouble = crash_sentence(row.failures, row.exit_code, row.retry_at, lines)
        data = {"failures": row.failures, "exit_code": row.exit_code, "next_start_at": row.retry_at.isoformat()}
        message = f"{row.id[-8:]} is in a crash loop. {row.trouble}"
        record(session, row.app_id, "instance.crash_loop", message, now=now, instance_id=row.id, lines=lines, **data)
    else:
        code = "" if row.exit_code is None else f" with exit code {row.exit_code}"
        message = f"{row.id[-8:]} ended by itself{code}; it is started again."
        record(session, row.app_id, "instance.ended", message, now=now, instance_id=row.id, exit_code=row.exit_code)
    session.add(row)
    return row


def started_at(row: Instance) -> datetime:
    return max(filter(None, (row.retry_at, row.failed_at, row.created_at)))


def _recovered(session: Session, context: Context, instance_id: str) -> bool:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    now = context.clock.now()
    unwell = row.trouble is not None and not is_crash_loop(row.trouble)
    if row.status is not InstanceStatus.SERVING or unwell or now - started_at(row) <= STABLE:
        return False
    row.failures, row.retry_at, row.trouble, row.last_lines = 0, None, None, None
    session.add(row)
    message = f"{row.id[-8:]} has run well for {STABLE.seconds} s."
    record(session, row.app_id, "instance.stable", message, now=now, instance_id=row.id)
    return True
