"""A sleeping app is brought back: its containers run on or are started, answer their probe, and one rename leads to them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlmodel import Session

from slipyard.deployer.driver import InstanceSpec
from slipyard.deployer.router import Route, RouteState
from slipyard.domain.errors import Conflict, RolloutFailed, SlipyardError
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.rotation import serving_rows
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.instances import instance_spec
from slipyard.pipeline.rollout.standing import addresses_of
from slipyard.pipeline.rollout.start_order import waves_of
from slipyard.pipeline.rollout.switch_route import confirm_route, write_intent
from slipyard.pipeline.scale.sleepers import Sleeper, sleeper_of
from slipyard.pipeline.scale.turn import turn_of
from slipyard.pipeline.together import together
from slipyard.store.events import record
from slipyard.store.tables import App, Instance


@dataclass(frozen=True)
class Woken:
    """Requests go on to it. `keeping` are calls to the engine that nobody who asked has to wait for."""

    route: Route
    keeping: Sequence[asyncio.Task[None]]


@dataclass(frozen=True)
class _Roused:
    instance_id: str
    container_id: str
    keeping: asyncio.Task[None]


async def wake_up(context: Context, app_id: str, why: str) -> bool:
    """Whether it slept. Raises what kept it from coming back; it sleeps on then, and may be tried again."""
    woken = await bring_back(context, app_id, why)
    if woken is not None:
        await settle_woken(context, woken)
    return woken is not None


async def bring_back(context: Context, app_id: str, why: str) -> Woken | None:
    """None where it did not sleep. To be followed by `settle_woken`."""
    async with turn_of(context, app_id):
        sleeper = await context.database.reading(lambda session: sleeper_of(session, context, app_id))
        if sleeper is None:
            return None
        begun = context.clock.monotonic()
        roused = await _all_roused(context, sleeper)
        took = f"{(context.clock.monotonic() - begun) * 1000:.0f} ms"
        route = await context.database.writing(
            lambda session: _awake(session, context, sleeper, roused, f"It woke within {took}: {why}.")
        )
        if route is None:
            return None
        await _follow(context, route)
    return Woken(route, [each.keeping for each in roused])


async def settle_woken(context: Context, woken: Woken) -> None:
    await context.database.writing(lambda session: confirm_route(session, woken.route.app_id, woken.route.generation))
    await asyncio.gather(*woken.keeping)


async def _follow(context: Context, route: Route) -> None:
    with suppress(Conflict):  # a later intent got there first
        await context.router.switch(route)


async def _all_roused(context: Context, sleeper: Sleeper) -> list[_Roused]:
    """In the order in which services start."""
    try:
        return await _in_order(context, sleeper)
    except SlipyardError as error:
        message = f"It could not be woken: {error.message}"
        lines = list(error.log_tail) if isinstance(error, RolloutFailed) else []
        now = context.clock.now()
        await context.database.writing(
            lambda session: record(session, sleeper.app_id, "app.wake_failed", message, now=now, lines=lines)
        )
        raise


async def _in_order(context: Context, sleeper: Sleeper) -> list[_Roused]:
    specs, found = {each.name: each for each in sleeper.rollout.config.services}, list[_Roused]()
    for wave in waves_of(sleeper.rollout.config.services):
        rows = [row for row in sleeper.rows if row.service in wave.services]
        awaited = {row.id for row in rows if row.port is not None or row.service in wave.awaited}
        found += await together(
            _rouse(context, row, instance_spec(sleeper.rollout, specs[row.service], row), waits=row.id in awaited)
            for row in rows
        )
    return found


async def _rouse(context: Context, row: Instance, spec: InstanceSpec, *, waits: bool) -> _Roused:
    """A worker that nobody depends on is not waited for."""
    container_id = await _thawed(context, row, spec, waits=waits)
    if container_id is None:
        await ensure_app_network(context, row.app_id)
        container_id = await context.driver.start(spec)
        if waits:
            await context.driver.wait_ready(spec, container_id)
    return _Roused(row.id, container_id, asyncio.ensure_future(_keep_running(context, container_id)))


async def _thawed(context: Context, row: Instance, spec: InstanceSpec, *, waits: bool) -> str | None:
    """None where it is not in memory any more: stopped, ended meanwhile, or gone with the machine's restart."""
    if row.memory_bytes is None or row.container_id is None:
        return None
    try:
        await context.driver.thaw(row.container_id)
        if waits:
            await context.driver.wait_ready(spec, row.container_id)
    except SlipyardError:
        return None
    return row.container_id


async def _keep_running(context: Context, container_id: str) -> None:
    """Nobody waits for it: it takes the engine as long as a thaw."""
    with suppress(SlipyardError):  # what the engine refuses, the healer sees to
        await context.driver.keep_running(container_id, keep=True)


def _awake(session: Session, context: Context, sleeper: Sleeper, roused: Sequence[_Roused], said: str) -> Route | None:
    """None where somebody stopped or deployed it meanwhile."""
    app = session.get_one(App, sleeper.app_id, with_for_update=True)
    if app.asleep_since is None or app.deleting_at is not None or app.stopped:
        return None
    for each in roused:
        row = session.get_one(Instance, each.instance_id)
        row.container_id, row.paused_at, row.memory_bytes = each.container_id, None, None
        session.add(row)
    deployment_id, now = sleeper.rollout.deployment_id, context.clock.now()
    addresses = tuple(addresses_of(serving_rows(session, deployment_id)))
    app.used_at = now
    session.add(app)
    record(session, app.id, "app.woke", said, now=now)
    state = RouteState.AWAKE if addresses else RouteState.REPLACING
    return write_intent(session, app.id, state, addresses, deployment_id)
