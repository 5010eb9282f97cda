"""An instance that ends again and again by itself is started later each time, and its app says so until it runs well."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import select

from slipyard.api.views.runtime_views import instance_views, status_view
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.healing import STABLE
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.healing.hear_engine import hear_engine
from slipyard.pipeline.stop_app import stop_app
from slipyard.store.tables import Event, Instance
from tests.flow.healing import heard
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System

SERVING = InstanceStatus.SERVING


@pytest.fixture
async def shop(system: System) -> AsyncIterator[Shop]:
    made = await new_shop(system, replicas=1)
    await made.deploy(2, Behaviour(output=("listening", "no such table: carts")))
    await system.control("drain", "drain", "drain", "heal")
    hearing = asyncio.create_task(hear_engine(system.context))
    await heard()
    yield made
    hearing.cancel()


def only(shop: Shop) -> Instance:
    [row] = shop.instances(SERVING)
    return row


def kinds(shop: Shop) -> list[str]:
    query = select(Event.kind).where(Event.app_id == shop.app_id).order_by(Event.sequence)
    interesting = {"instance.ended", "instance.crash_loop", "instance.healed", "instance.restarted", "instance.stable"}
    return [kind for kind in shop.system.read(lambda session: list(session.exec(query))) if kind in interesting]


async def crash(shop: Shop, exit_code: int = 3) -> None:
    shop.system.engine.crash(only(shop).container_id, exit_code)
    await heard()
    await shop.system.control("heal")


async def crash_loop(shop: Shop) -> None:
    for _ in range(3):
        await crash(shop)


async def change(shop: Shop, **columns: object) -> None:
    instance_id = only(shop).id

    def write(session):
        row = session.get_one(Instance, instance_id)
        for name, value in columns.items():
            setattr(row, name, value)

    await shop.system.context.database.writing(write)


def status(shop: Shop):
    system = shop.system
    return system.read(lambda session: status_view(session, system.app(shop.app_id), system.context.settings))


async def test_what_ends_once_is_started_again_at_once_by_the_engine(shop: Shop) -> None:
    await crash(shop)
    assert await shop.running() == 1
    assert only(shop).failures == 1
    assert kinds(shop) == ["instance.ended"]
    assert status(shop).state == "running"


async def test_three_ends_in_a_row_are_a_crash_loop_and_said_with_all_that_helps(shop: Shop) -> None:
    await crash_loop(shop)

    row, said = only(shop), status(shop)
    assert (row.failures, row.exit_code) == (3, 3)
    assert row.last_lines is not None
    assert row.last_lines[-1] == "no such table: carts"
    assert said.state == "restarting"
    assert "Crash loop: it ended 3 times in a row, last with exit code 3." in said.message
    assert f"It is started again at {row.retry_at:%H:%M:%SZ}." in said.message
    assert "Its last line: no such table: carts" in said.message
    assert kinds(shop)[-1] == "instance.crash_loop"
    [view] = shop.system.read(lambda session: instance_views(session, shop.system.app(shop.app_id)))
    assert (view.restarts, view.exit_code, view.next_start_at) == (3, 3, row.retry_at)
    assert view.trouble == row.trouble
    assert view.last_lines == row.last_lines


async def test_in_a_crash_loop_only_the_healer_starts_it_and_not_before_its_time(shop: Shop) -> None:
    await crash_loop(shop)
    await crash(shop)  # the engine had begun to start it already
    started = shop.system.engine._known(only(shop).container_id).runs
    for _ in range(3):
        await shop.system.control("heal")
    assert await shop.running() == 0
    assert only(shop).failures == 4
    assert shop.system.engine._known(only(shop).container_id).runs == started

    await change(shop, retry_at=shop.system.clock.now() - timedelta(seconds=1))
    shop.system.clock.ahead += 400
    await shop.system.control("heal")
    assert await shop.running() == 1
    assert kinds(shop)[-1] == "instance.restarted"


async def test_each_failure_doubles_the_wait_up_to_five_minutes(shop: Shop) -> None:
    waits = []
    for failures in (0, 1, 2, 3, 8, 9, 30):
        await change(shop, failures=failures, retry_at=shop.system.clock.now())
        await shop.system.engine.start(only(shop).container_id)
        await crash(shop)
        row = only(shop)
        assert row.retry_at is not None
        assert row.failed_at is not None
        waits.append(round((row.retry_at - row.failed_at).total_seconds()))
    assert waits == [0, 2, 4, 8, 256, 300, 300]


async def test_what_ran_well_for_a_while_has_left_its_failures_behind(shop: Shop) -> None:
    await crash_loop(shop)
    await shop.system.engine.start(only(shop).container_id)
    long_ago = shop.system.clock.now() - STABLE - timedelta(seconds=1)
    await change(shop, failed_at=long_ago, retry_at=long_ago, created_at=long_ago)
    await shop.system.control("heal")

    row = only(shop)
    assert (row.failures, row.retry_at, row.trouble) == (0, None, None)
    assert kinds(shop)[-1] == "instance.stable"
    assert status(shop).state == "running"
    await crash(shop)
    assert await shop.running() == 1, "the engine starts it again by itself, as before"


async def test_an_end_long_after_the_start_is_the_first_again(shop: Shop) -> None:
    await crash(shop)
    long_ago = shop.system.clock.now() - STABLE - timedelta(seconds=1)
    await change(shop, failed_at=long_ago, retry_at=long_ago, created_at=long_ago)
    await crash(shop)
    assert only(shop).failures == 1


async def test_a_new_deployment_begins_without_failures(shop: Shop) -> None:
    await crash_loop(shop)
    await shop.deploy(3)
    assert only(shop).failures == 0
    assert status(shop).state == "running"


async def test_what_somebody_killed_or_stopped_is_no_failure_of_the_app(shop: Shop) -> None:
    for _ in range(4):
        shop.system.clock.ahead += 400
        await shop.system.engine.stop(only(shop).container_id, 0)
        await heard()
        await shop.system.control("heal")
        assert await shop.running() == 1
    assert only(shop).failures == 0
    assert set(kinds(shop)) == {"instance.healed"}


async def test_what_was_stopped_on_purpose_stays_stopped_whoever_starts_its_container(shop: Shop) -> None:
    container_id = only(shop).container_id
    await crash_loop(shop)
    await stop_app(shop.system.context, shop.app_id, shop.system.actor)
    await shop.system.engine.start(container_id)
    await heard()
    for _ in range(4):
        await shop.system.control("heal", "drain")
    assert await shop.running() == 0
    assert shop.instances(SERVING) == []
    assert status(shop).state == "stopped"


async def test_a_controller_that_was_away_counts_an_end_once(system: System) -> None:
    """Nobody heard it: the list says it, until it is started again."""
    shop = await new_shop(system, replicas=1)
    await system.engine.keep_running(only(shop).container_id, keep=False)
    system.engine.crash(only(shop).container_id, 3)
    for _ in range(3):
        await system.control("heal")
    assert only(shop).failures == 1
    assert await shop.running() == 1
