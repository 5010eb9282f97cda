"""An app that nobody asks for sleeps, nobody heals it meanwhile, and whoever asks wakes it once."""

import asyncio
from datetime import timedelta
from http import HTTPStatus

import pytest
from sqlmodel import select

from slipyard.clients import machine_memory
from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.router import RouteState
from slipyard.domain.app_status import AppStatus, app_status
from slipyard.domain.errors import Conflict, Unavailable
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.commands.choose_instance import chosen_instance
from slipyard.pipeline.rollout.retire_instances import DrainWatch
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.scale.fall_asleep import sleep_app
from slipyard.pipeline.scale.rest_sleepers import rest_sleepers
from slipyard.pipeline.scale.waker import Waker
from slipyard.pipeline.stop_app import restart_app, start_app, stop_app
from slipyard.store.queries.app_facts import app_facts
from slipyard.store.tables import App, Event
from tests.flow.deaths import Killed
from tests.flow.rollouts import Nth, Shop, doomed, failing, new_shop
from tests.flow.system import System

SERVING = InstanceStatus.SERVING


@pytest.fixture(autouse=True)
def has_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.5)


async def rest(system: System) -> None:
    """Three quiet reads, then the containers."""
    for _ in range(3):
        await system.control("asleep")


async def sleeping(system: System, replicas: int = 2) -> Shop:
    shop = await new_shop(system, replicas)
    await sleep_app(system.context, shop.app_id, system.actor)
    await rest(system)
    return shop


def change(shop: Shop, **config) -> None:
    def write(session) -> None:
        app = session.get_one(App, shop.app_id)
        app.config = app.config.model_copy(update=config)
        session.add(app)

    with shop.system.context.database.write() as session:
        write(session)


def kinds(shop: Shop) -> list[str]:
    query = select(Event.kind).where(Event.app_id == shop.app_id)
    return shop.system.read(lambda session: list(session.exec(query)))


def status(shop: Shop) -> AppStatus:
    return app_status(shop.system.read(lambda session: app_facts(session, [shop.app_id]))[shop.app_id])[0]


async def states(shop: Shop) -> set[str]:
    seen = await shop.system.context.driver.observe()
    return {"paused" if each.paused else "running" if each.running else "stopped" for each in seen}


async def test_what_sleeps_is_paused_and_nobody_heals_it_and_one_wake_serves_all_who_ask(system: System) -> None:
    shop = await sleeping(system)
    assert (await states(shop), (await shop.route()).state, status(shop)) == ({"paused"}, "asleep", AppStatus.SLEEPING)
    for _ in range(3):
        await system.control()
    assert await states(shop) == {"paused"}
    starts = system.engine.calls.copy()
    waker = Waker(system.context)
    answers = await asyncio.gather(*(waker.wake(shop.app_id) for _ in range(300)))
    assert set(answers) == {HTTPStatus.NO_CONTENT}
    assert kinds(shop).count("app.woke") == 1
    assert system.engine.calls["unpause"] - starts["unpause"] == 2
    assert system.engine.calls["start"] == starts["start"]
    assert (await states(shop), (await shop.route()).state, status(shop)) == ({"running"}, "awake", AppStatus.RUNNING)
    await system.control("heal")
    assert {"instance.healed", "instance.missing"}.isdisjoint(kinds(shop))


async def test_without_memory_it_is_stopped_and_started_again(system: System, monkeypatch) -> None:
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.05)
    shop = await sleeping(system)
    assert await states(shop) == {"stopped"}
    await system.control("heal")
    assert await states(shop) == {"stopped"}
    assert await Waker(system.context).wake(shop.app_id) is HTTPStatus.NO_CONTENT
    assert await states(shop) == {"running"}
    assert len(shop.instances(SERVING)) == 2


async def test_a_machine_that_gets_short_of_memory_stops_what_sleeps_in_it(system: System, monkeypatch) -> None:
    shop = await sleeping(system)
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.05)
    await system.control("idle")
    assert await states(shop) == {"stopped"}


async def test_a_container_that_somebody_removed_is_made_again_by_the_wake(system: System) -> None:
    shop = await sleeping(system, 1)
    [row] = shop.instances(SERVING)
    await system.engine.remove(row.container_id)
    assert await Waker(system.context).wake(shop.app_id) is HTTPStatus.NO_CONTENT
    assert await states(shop) == {"running"}


async def test_what_cannot_be_woken_is_said_to_the_visitor_and_in_an_event_and_tried_again(system: System) -> None:
    shop = await sleeping(system, 1)
    broken = failing(system.context, "driver", Nth(system.context.driver, "thaw", 1, Unavailable("no engine. Wait.")))
    broken = failing(broken, "driver", Nth(broken.driver, "start", 1, Unavailable("no engine. Wait.")))
    assert await Waker(broken).wake(shop.app_id) is HTTPStatus.SERVICE_UNAVAILABLE
    assert "app.wake_failed" in kinds(shop)
    assert (await shop.route()).state == RouteState.ASLEEP
    assert await Waker(system.context).wake(shop.app_id) is HTTPStatus.NO_CONTENT


async def test_a_leader_that_dies_between_the_route_and_the_pause_leaves_that_to_the_next(system: System) -> None:
    shop = await new_shop(system, 1)
    await sleep_app(system.context, shop.app_id, system.actor)
    dying = doomed(system, "driver", Nth(system.context.driver, "pause", 1, Killed(), after=True))
    watch = DrainWatch()
    for _ in range(2):
        await rest_sleepers(dying, watch)
    with pytest.raises(Killed):
        await rest_sleepers(dying, watch)
    assert system.app(shop.app_id).rested_at is None
    await rest(system)
    assert system.app(shop.app_id).rested_at is not None
    assert await Waker(system.context).wake(shop.app_id) is HTTPStatus.NO_CONTENT
    assert await states(shop) == {"running"}


async def test_requests_in_flight_keep_it_awake(system: System) -> None:
    shop = await new_shop(system, 1)
    [address] = shop.addresses(shop.last)
    system.caddy.requests[address] = 1
    await sleep_app(system.context, shop.app_id, system.actor)
    await rest(system)
    assert await states(shop) == {"running"}
    system.set(drain_seconds=0)
    await rest(system)
    assert (await shop.route()).state == RouteState.AWAKE


async def test_only_what_nobody_asked_for_long_enough_falls_asleep_by_itself(system: System) -> None:
    shop = await new_shop(system, 1)
    [address] = shop.addresses(shop.last)
    await system.control("idle")
    assert (await shop.route()).state == RouteState.AWAKE
    change(shop, scale_to_zero=True, min_instances=0)
    await system.control("idle")
    assert (await shop.route()).state == RouteState.AWAKE
    clock_now = system.clock.now
    later = {"minutes": 16}
    system.clock.now = lambda: clock_now() + timedelta(**later)
    system.caddy.requests[address] = 1
    await system.control("idle")
    system.caddy.requests.clear()
    await system.control("idle")
    assert (await shop.route()).state == RouteState.AWAKE
    later["minutes"] = 32
    await system.control("idle")
    assert (await shop.route()).state == RouteState.ASLEEP


async def test_nobody_runs_a_command_in_what_sleeps(system: System) -> None:
    shop = await sleeping(system, 1)
    with pytest.raises(Conflict, match="slipyard start shop"):
        system.read(lambda session: chosen_instance(session, session.get_one(App, shop.app_id), None))


async def test_stop_start_and_restart_of_what_sleeps(system: System) -> None:
    shop = await sleeping(system, 1)
    done = await start_app(system.context, shop.app_id, system.actor)
    assert (done.deployment_id, status(shop)) == (None, AppStatus.RUNNING)
    await sleep_app(system.context, shop.app_id, system.actor)
    await rest(system)
    await stop_app(system.context, shop.app_id, system.actor)
    await system.settle()
    assert (await states(shop), status(shop)) == (set(), AppStatus.STOPPED)
    with pytest.raises(Conflict, match="does not run"):
        await sleep_app(system.context, shop.app_id, system.actor)
    await start_app(system.context, shop.app_id, system.actor)
    await system.work()
    await sleep_app(system.context, shop.app_id, system.actor)
    await rest(system)
    await restart_app(system.context, shop.app_id, system.actor)
    await system.settle()
    assert (await states(shop), status(shop)) == ({"running"}, AppStatus.RUNNING)


async def test_a_deployment_of_what_sleeps_wakes_it_and_loses_nobody(system: System) -> None:
    shop = await sleeping(system, 2)
    shop.watch()
    assert (await shop.deploy(2)).status is DeploymentStatus.ACTIVE
    assert all(route.state is RouteState.AWAKE for route, _ in shop.seen)
    await system.settle()
    assert await states(shop) == {"running"}
    assert status(shop) is AppStatus.RUNNING


async def test_a_deployment_of_what_sleeps_and_cannot_be_woken_takes_its_place(system: System) -> None:
    shop = await sleeping(system, 1)
    [row] = shop.instances(SERVING)
    await system.engine.remove(row.container_id)
    system.engine.publish("registry.example/shop:1", Behaviour(exits_after=0.0, exit_code=1))
    await shop.ask(2)
    while system.queue.waiting:
        await run_deployment(system.context, system.queue.waiting.popleft()[1])
    assert shop.last.status is DeploymentStatus.ACTIVE
    assert len(shop.instances(SERVING)) == 1
