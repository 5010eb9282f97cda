"""A sleeping app is brought back: its containers run on or are started, answer their probe, and one rename leads to them."""

from collections.abc import Mapping

from sqlmodel import Session

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.errors import RolloutFailed, SlipyardError, UserError
from slipyard.domain.release import ServiceSpec
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.rotation import serving_rows
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.instances import instance_spec
from slipyard.pipeline.rollout.standing import addresses_of
from slipyard.pipeline.rollout.start_order import waves_of
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.pipeline.scale.sleepers import Sleeper, sleeper_of
from slipyard.pipeline.scale.turn import turn_of
from slipyard.pipeline.together import together
from slipyard.store.events import record
from slipyard.store.tables import App, Instance


async def wake_up(context: Context, app_id: str, why: str) -> bool:
    """Whether it slept. Raises what kept it from coming back; it sleeps on then, and may be tried again."""
    async with turn_of(context, app_id):
        sleeper = await context.database.reading(lambda session: sleeper_of(session, context, app_id))
        if sleeper is None:
            return False
        begun = context.clock.monotonic()
        containers = await _roused(context, sleeper)
        took = f"{(context.clock.monotonic() - begun) * 1000:.0f} ms"
        route = await context.database.writing(
            lambda session: _awake(session, context, sleeper, containers, f"It woke within {took}: {why}.")
        )
        if route is None:
            return False
        await apply_route(context, route)
    await _keep_running(context, containers)
    return True


async def _roused(context: Context, sleeper: Sleeper) -> Mapping[str, str]:
    """The containers by instance, in the order in which services start."""
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


async def _in_order(context: Context, sleeper: Sleeper) -> Mapping[str, str]:
    services, found = sleeper.rollout.config.services, dict[str, str]()
    specs = {each.name: each for each in services}
    for wave in waves_of(services):
        rows = [row for row in sleeper.rows if row.service in wave.services]
        found |= dict(
            await together(
                _rouse(context, sleeper, row, specs[row.service], awaited=row.service in wave.awaited) for row in rows
            )
        )
    return found


async def _rouse(
    context: Context, sleeper: Sleeper, row: Instance, service: ServiceSpec, *, awaited: bool
) -> tuple[str, str]:
    """A worker that nobody depends on is not waited for."""
    spec, waits = instance_spec(sleeper.rollout, service, row), awaited or row.port is not None
    if row.memory_bytes is not None and row.container_id is not None:
        try:
            await context.driver.thaw(row.container_id)
            if waits:
                await context.driver.wait_ready(spec, row.container_id)
        except SlipyardError:
            pass  # it ended meanwhile, or the machine was started again
        else:
            return row.id, row.container_id
    await ensure_app_network(context, row.app_id)
    container_id = await context.driver.start(spec)
    if waits:
        await context.driver.wait_ready(spec, container_id)
    return row.id, container_id


def _awake(
    session: Session, context: Context, sleeper: Sleeper, containers: Mapping[str, str], said: str
) -> Route | None:
    """None where somebody stopped or deployed it meanwhile."""
    app = session.get_one(App, sleeper.app_id, with_for_update=True)
    if app.asleep_since is None or app.deleting_at is not None or app.stopped:
        return None
    for instance_id, container_id in containers.items():
        row = session.get_one(Instance, instance_id)
        row.container_id, row.paused_at, row.memory_bytes = container_id, None, None
        session.add(row)
    deployment_id, now = sleeper.rollout.deployment_id, context.clock.now()
    addresses = tuple(addresses_of(serving_rows(session, deployment_id)))
    app.used_at = now
    session.add(app)
    record(session, app.id, "app.woke", said, now=now)
    state = RouteState.AWAKE if addresses else RouteState.REPLACING
    return write_intent(session, app.id, state, addresses, deployment_id)


async def _keep_running(context: Context, containers: Mapping[str, str]) -> None:
    """After the first requests went on: it takes the engine longer than a wake from memory."""
    for container_id in containers.values():
        try:
            await context.driver.keep_running(container_id, keep=True)
        except UserError:
            continue  # gone again: the healer's
