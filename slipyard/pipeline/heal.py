"""What should serve and does not is started again; what runs in our name and should not is removed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlmodel import Session, col, select

from slipyard.deployer.driver import Observation
from slipyard.domain.errors import SlipyardError
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.app_network import ensure_app_network
from slipyard.pipeline.context import Context
from slipyard.pipeline.instances import instance_spec
from slipyard.pipeline.load_rollout import load_rollout
from slipyard.pipeline.retire import retire
from slipyard.store.events import record
from slipyard.store.tables import Instance

_GONE = (InstanceStatus.RETIRED,)
_MOST_BACKOFF_SECONDS = 300.0
_log = structlog.get_logger()


@dataclass
class HealWatch:
    """When an instance may be started again, and which are known to come back by themselves after a crash or a reboot."""

    not_before: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def may_start(self, instance_id: str, now: float) -> bool:
        return now >= self.not_before.get(instance_id, 0.0)

    def started(self, instance_id: str, now: float) -> None:
        """Each start in a row waits twice as long as the one before: a crash loop must not eat the machine."""
        failures = self.failures[instance_id] = self.failures.get(instance_id, 0) + 1
        self.not_before[instance_id] = now + min(2.0**failures, _MOST_BACKOFF_SECONDS)

    def well(self, instance_id: str, now: float) -> None:
        if now > self.not_before.get(instance_id, 0.0):
            self.failures.pop(instance_id, None)


async def heal(context: Context, watch: HealWatch) -> None:
    """One pass: one call to the engine, one query, and work only for what differs. What the engine refuses for one
    container keeps nobody from healing the others; its turn comes again."""
    started = context.clock.now()
    seen = {each.instance_id: each for each in await context.driver.observe()}
    rows = await context.database.reading(_rows)
    for row in rows:
        if row.status is InstanceStatus.SERVING:
            with _trouble_of(row.id):
                await _keep_serving(context, watch, row, seen.get(row.id))
        elif row.status is InstanceStatus.PAUSED and row.paused_at is not None and row.paused_at < started:
            await _keep_paused(context, row, seen.get(row.id))
    await _remove_strays(context, rows, seen)


@contextmanager
def _trouble_of(instance_id: str) -> Iterator[None]:
    try:
        yield
    except SlipyardError as error:
        _log.warning("instance_not_healed", instance_id=instance_id, error=error.message)


async def _keep_serving(context: Context, watch: HealWatch, row: Instance, found: Observation | None) -> None:
    now = context.clock.monotonic()
    if found is not None and found.running and not found.paused:
        watch.well(row.id, now)
        await _keep_running(context, watch, row, found.container_id)
    elif watch.may_start(row.id, now):
        watch.started(row.id, now)
        await _start_again(context, row, found)


async def _keep_running(context: Context, watch: HealWatch, row: Instance, container_id: str) -> None:
    """Once for each deployment: an instance that was paused in between no longer comes back by itself."""
    key = f"{row.deployment_id}:{container_id}"
    if key not in watch.kept:
        await context.driver.keep_running(container_id, keep=True)
        watch.kept.add(key)


async def _keep_paused(context: Context, row: Instance, found: Observation | None) -> None:
    """After a reboot, or by somebody's hand, there is nothing left to thaw: nobody is to count on it."""
    if found is None or not found.paused:
        await context.database.writing(lambda session: _let_go(session, context, row.id))


def _let_go(session: Session, context: Context, instance_id: str) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.PAUSED:
        retire(session, context, row, "it is no longer paused in the engine")


async def _start_again(context: Context, row: Instance, found: Observation | None) -> None:
    reason = _what_happened(found)
    try:
        rollout = await context.database.reading(lambda session: load_rollout(session, context, row.deployment_id))
        await ensure_app_network(context, row.app_id)
        service = next(each for each in rollout.config.services if each.name == row.service)
        container_id = await context.driver.start(instance_spec(rollout, service, row))
    except SlipyardError as error:
        _log.warning("heal_failed", instance_id=row.id, error=error.message)
        await _say(
            context, row, "instance.heal_failed", f"{row.id[-8:]} {reason}; starting it again failed: {error.message}"
        )
        return
    await context.database.writing(lambda session: _note_container(session, row.id, container_id))
    await _say(context, row, "instance.healed", f"{row.id[-8:]} {reason}; it was started again.")


def _what_happened(found: Observation | None) -> str:
    if found is None:
        return "was removed from outside"
    if found.paused:
        return "was paused from outside"
    memory = " for lack of memory" if found.out_of_memory else ""
    return f"had exited with code {found.exit_code}{memory}"


async def _remove_strays(context: Context, rows: Sequence[Instance], seen: Mapping[str, Observation]) -> None:
    """A holder that was frozen may have made a container after its instance was retired: its row says that it may go."""
    known = {row.id: row.status for row in rows}
    strays = [instance_id for instance_id in seen if instance_id not in known]
    retired = await context.database.reading(lambda session: _retired_among(session, strays)) if strays else []
    for instance_id in retired:
        _log.warning("stray_container", instance_id=instance_id)
        with _trouble_of(instance_id):
            await context.driver.retire(instance_id, 0)


async def _say(context: Context, row: Instance, kind: str, message: str) -> None:
    now = context.clock.now()
    await context.database.writing(
        lambda session: record(session, row.app_id, kind, message, now=now, instance_id=row.id)
    )


def _rows(session: Session) -> list[Instance]:
    return list(session.exec(select(Instance).where(col(Instance.status).not_in(_GONE))).all())


def _retired_among(session: Session, instance_ids: Sequence[str]) -> list[str]:
    query = select(Instance.id).where(col(Instance.id).in_(instance_ids), Instance.status == InstanceStatus.RETIRED)
    return list(session.exec(query).all())


def _note_container(session: Session, instance_id: str, container_id: str) -> None:
    row = session.get_one(Instance, instance_id)
    row.container_id = container_id
    session.add(row)
