"""What serves is asked for its health as its release says. One that fails rests while others serve, and is replaced; the
only one goes on getting requests until another is ready: a failing answer is better than none.

One loop for all: each instance has its own moment within its interval, so that a thousand of them are asked evenly.
"""

import asyncio
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.errors import SlipyardError
from slipyard.domain.healing import is_unhealthy, unhealthy_sentence
from slipyard.domain.health import HealthCheck, HealthType
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.domain.release import ServiceSpec
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.replace_instance import ask_for_another, call_off
from slipyard.pipeline.healing.rotation import put_back, take_out
from slipyard.store.events import record
from slipyard.store.tables import Deployment, Instance, Release

_READ_SECONDS = 2.0  # so often the rows are read
_RESTING_SECONDS = 1.0  # so often one is asked that could come back
_QUESTIONS, _COMMANDS = 64, 4  # at once; a command costs the engine several calls
_PATIENCE_SECONDS = 0.2  # how long a pass waits for answers; those that take longer come beside the next
_log = structlog.get_logger()


@dataclass(frozen=True)
class Asked:
    id: str
    app_id: str
    release_id: str
    service: str
    address: str
    port: int | None
    container_id: str
    resting: bool
    trouble: str | None


@dataclass
class HealthWatch:
    """By instance: when it is asked next, how often in a row it complained, and when it was well for the last time."""

    rows: list[Asked] = field(default_factory=list)
    read_at: float | None = None
    due: dict[str, float] = field(default_factory=dict)
    complaints: dict[str, int] = field(default_factory=dict)
    good: dict[str, datetime] = field(default_factory=dict)
    asking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    services: dict[str, Mapping[str, ServiceSpec]] = field(default_factory=dict)  # by release: they never change
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_QUESTIONS))
    command_places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_COMMANDS))

    def check_of(self, row: Asked) -> HealthCheck:
        return self.services[row.release_id][row.service].health_check

    def interval_of(self, row: Asked) -> float:
        interval = self.check_of(row).interval
        return min(interval, _RESTING_SECONDS) if row.resting else interval

    def take_due(self, now: float) -> list[Asked]:
        """Those whose moment has come. The first one of each lies somewhere within its interval."""
        found = []
        for row in self.rows:
            interval = self.interval_of(row)
            due = self.due.setdefault(row.id, now + interval * _share(row.id))
            if now >= due and row.id not in self.asking:
                self.due[row.id] = now + interval
                found.append(row)
        return found

    def take_rows(self, rows: Iterable[Asked], now: float, wall: datetime) -> None:
        """What came back from rest, or went there, is asked in its new rhythm."""
        before = {row.id: row.resting for row in self.rows}
        self.rows, self.read_at = list(rows), now
        ids = {row.id for row in self.rows}
        for memory in (self.due, self.complaints, self.good):
            for instance_id in memory.keys() - ids:
                del memory[instance_id]
        for row in self.rows:
            self.good.setdefault(row.id, wall)
            if before.get(row.id, row.resting) is not row.resting:
                self.due.pop(row.id, None)


async def check_health(context: Context, watch: HealthWatch) -> None:
    """One pass."""
    now = context.clock.monotonic()
    if watch.read_at is None or now - watch.read_at >= _READ_SECONDS:
        rows = await context.database.reading(lambda session: _serving(session, watch))
        watch.take_rows(rows, now, context.clock.now())
    for row in watch.take_due(now):
        watch.asking[row.id] = asyncio.ensure_future(_ask(context, watch, row))
    if watch.asking:
        await asyncio.wait(watch.asking.values(), timeout=_PATIENCE_SECONDS)
        watch.asking = {key: task for key, task in watch.asking.items() if not task.done()}


async def _ask(context: Context, watch: HealthWatch, row: Asked) -> None:
    check = watch.check_of(row)
    places = watch.command_places if check.kind is HealthType.COMMAND else watch.places
    try:
        async with places:
            said = await context.driver.ask(_question(watch, row), row.container_id)
        await (_is_well(context, watch, row) if said is None else _complains(context, watch, row, said))
    except SlipyardError as error:
        _log.info("health_not_asked", instance_id=row.id, error=error.message)  # the engine's trouble is not the app's
    except Exception:  # noqa: BLE001 - nobody awaits this task for its result
        _log.exception("health_check_failed", instance_id=row.id)


async def _is_well(context: Context, watch: HealthWatch, row: Asked) -> None:
    watch.complaints.pop(row.id, None)
    watch.good[row.id] = context.clock.now()
    if is_unhealthy(row.trouble):
        await context.database.writing(lambda session: _say_well(session, context, row.id))
        await call_off(context, row.id)
    if row.resting:
        await put_back(context, row.id)
    if row.resting or is_unhealthy(row.trouble):
        watch.read_at = None


async def _complains(context: Context, watch: HealthWatch, row: Asked, said: str) -> None:
    times = watch.complaints[row.id] = watch.complaints.get(row.id, 0) + 1
    if times < watch.check_of(row).retries or not await _should_answer(context, watch, row):
        return
    if not is_unhealthy(row.trouble):
        await context.database.writing(lambda session: _say_unhealthy(session, context, row.id, said, times))
        watch.read_at = None
    await take_out(context, row.id, said)
    await ask_for_another(context, row.id, said, beside=True)


async def _should_answer(context: Context, watch: HealthWatch, row: Asked) -> bool:
    """One that does not run is the healer's; one that was just started has its time to become ready."""
    seen = await context.driver.look(row.id, row.container_id)
    if seen is None or not seen.running or seen.paused or seen.restarting:
        return False
    started = seen.started_at
    if started is None or watch.good[row.id] > started:
        return True
    return context.clock.now() - started > timedelta(seconds=watch.check_of(row).start_period)


def _say_unhealthy(session: Session, context: Context, instance_id: str, said: str, times: int) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.SERVING:
        row.trouble = unhealthy_sentence(said, times)
        session.add(row)
        now, message = context.clock.now(), f"{row.id[-8:]}: {row.trouble}"
        record(session, row.app_id, "instance.unhealthy", message, now=now, instance_id=row.id)


def _say_well(session: Session, context: Context, instance_id: str) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.SERVING and is_unhealthy(row.trouble):
        row.trouble, row.retry_at = None, None
        session.add(row)
        now = context.clock.now()
        record(session, row.app_id, "instance.healthy", f"{row.id[-8:]} is well again.", now=now, instance_id=row.id)


def _question(watch: HealthWatch, row: Asked) -> InstanceSpec:
    """Enough to ask it; nothing is ever made of this one, so nobody's secrets are opened for it."""
    service = watch.services[row.release_id][row.service]
    return InstanceSpec(
        instance_id=row.id,
        app_id=row.app_id,
        app_slug="",
        deployment_id="",
        release_id=row.release_id,
        service=row.service,
        image="",
        address=row.address,
        port=row.port,
        env={},
        command=None,
        resources=service.resources,
        health_check=service.health_check,
    )


def _serving(session: Session, watch: HealthWatch) -> list[Asked]:
    """What can be asked: a worker without a command cannot. While a release bakes, that is watched more closely."""
    columns = (
        col(Instance.id), col(Instance.app_id), col(Instance.release_id), col(Instance.service), col(Instance.address),
        col(Instance.port), col(Instance.container_id), col(Instance.resting_since).is_not(None), col(Instance.trouble),
    )  # fmt: skip
    query = (
        select(*columns)
        .join(Deployment, col(Deployment.id) == col(Instance.deployment_id))
        .where(col(Instance.status) == InstanceStatus.SERVING, col(Instance.container_id).is_not(None))
        .where(col(Deployment.status) == DeploymentStatus.ACTIVE, col(Deployment.bake_until).is_(None))
    )
    rows = [Asked(*row) for row in session.execute(query)]
    for release_id in {row.release_id for row in rows} - watch.services.keys():
        services = session.get_one(Release, release_id).config.services
        watch.services[release_id] = {each.name: each for each in services}
    return [row for row in rows if row.port is not None or watch.check_of(row).command is not None]


def _share(instance_id: str) -> float:
    return zlib.crc32(instance_id.encode()) / 2**32
