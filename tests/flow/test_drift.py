"""What somebody changes on a container by hand is said field by field and put right, in place or by another instance."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.docker import names
from slipyard.domain.errors import Unavailable
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.healing.hear_engine import hear_engine
from slipyard.store.tables import Event, Instance
from tests.flow.healing import heal_until, heard
from tests.flow.rollouts import Shop, image, new_shop
from tests.flow.system import System

SERVING = InstanceStatus.SERVING


@pytest.fixture
async def shop(system: System) -> AsyncIterator[Shop]:
    """Three instances, which the healer has looked at; it hears the engine from then on."""
    made = await new_shop(system, replicas=3)
    await system.control("heal")
    hearing = asyncio.create_task(hear_engine(system.context))
    await heard()
    await system.control("heal")
    yield made
    hearing.cancel()


async def healed(shop: Shop) -> None:
    await heard()
    await shop.system.control("heal")


def serving(shop: Shop) -> set[str]:
    return {row.id for row in shop.instances(SERVING)}


def first(shop: Shop) -> Instance:
    return shop.instances(SERVING)[0]


def drifts(shop: Shop) -> list[Event]:
    query = select(Event).where(Event.app_id == shop.app_id, Event.kind == "instance.drift").order_by(Event.sequence)
    return shop.system.read(lambda session: list(session.exec(query)))


def fields(shop: Shop) -> list[dict[str, Any]]:
    [event] = drifts(shop)
    return event.data["fields"]


async def test_limits_changed_by_hand_are_put_right_on_the_running_container(shop: Shop) -> None:
    row, engine = first(shop), shop.system.engine
    engine.meddle(row.container_id, memory_bytes=64 * 1024 * 1024, millicores=100)
    await healed(shop)

    assert fields(shop) == [
        {"field": "cpu", "wanted": "1 cores", "found": "0.1 cores"},
        {"field": "memory", "wanted": "512 MiB", "found": "64 MiB"},
    ]
    assert "memory is 64 MiB instead of 512 MiB; it was put right." in drifts(shop)[0].message
    assert engine.calls["create_container"] == 3
    await healed(shop)
    assert len(drifts(shop)) == 1, "and it stays so"


async def test_another_name_is_taken_back(shop: Shop) -> None:
    row = first(shop)
    shop.system.engine.meddle(row.container_id, name="mine")
    await healed(shop)
    assert [each["field"] for each in fields(shop)] == ["name"]
    state = await shop.system.engine.container(row.container_id)
    assert state.name == names.container_name(shop.system.installation.id, row.id)


async def test_a_restart_policy_that_was_taken_away_is_given_back(shop: Shop) -> None:
    shop.system.engine.meddle(first(shop).container_id, keep=False)
    await healed(shop)
    assert [each["field"] for each in fields(shop)] == ["restart policy"]


async def test_an_instance_cut_off_from_its_network_is_connected_again(shop: Shop) -> None:
    row = first(shop)
    shop.system.engine.meddle(row.container_id, connected=False)
    await healed(shop)
    assert [each["field"] for each in fields(shop)] == ["network"]
    assert (await shop.system.engine.container(row.container_id)).addresses == (row.address,)


async def test_a_network_that_somebody_removed_is_made_again(shop: Shop) -> None:
    engine, rows = shop.system.engine, shop.instances(SERVING)
    for row in rows:
        engine.meddle(row.container_id, connected=False)
    network = names.network_name(shop.system.installation.id, shop.app_id)
    await engine.remove_network(network)
    await healed(shop)
    assert {each.addresses for each in await engine.containers({})} == {(row.address,) for row in rows}
    assert [each.name for each in await engine.networks({})] == [network]


async def test_a_paused_instance_runs_on(shop: Shop) -> None:
    await shop.system.engine.pause(first(shop).container_id)
    await healed(shop)
    assert await shop.running() == 3
    assert not any(seen.paused for seen in await shop.system.context.driver.observe())


async def replaced_by_hand(shop: Shop, row: Instance, **changes: Any) -> str:
    """Somebody runs another container under the name and with the labels of ours."""
    engine = shop.system.engine
    spec = engine._known(row.container_id).spec
    await engine.remove(row.container_id)
    container_id = await engine.create_container(replace(spec, **changes))
    await engine.start(container_id)
    return container_id


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"env": {"PORT": "3000", "KEY": "stolen"}}, "env.KEY"),
        ({"image": "someone/else"}, "image"),
        ({"command": ("sleep", "1")}, "command"),
    ],
)
async def test_what_cannot_be_changed_on_it_is_replaced_without_losing_a_request(
    shop: Shop, changes: dict[str, Any], field: str
) -> None:
    engine, row = shop.system.engine, first(shop)
    engine.add_image("someone/else", Behaviour())
    shop.watch()
    theirs = await replaced_by_hand(shop, row, **changes)
    await heal_until(shop.system, lambda: row.id not in serving(shop))

    assert field in [each["field"] for each in fields(shop)]
    assert "stolen" not in str(fields(shop)) + drifts(shop)[0].message
    assert len(serving(shop)) == 3
    assert [len(route.addresses) for route, _ in shop.seen] == [3]
    await shop.system.control("drain", "drain", "drain")
    assert await engine.container(theirs) is None, "it wore our labels, and is gone with its instance"


async def test_a_container_of_somebody_else_under_our_name_is_left_alone_and_another_instance_serves(
    shop: Shop,
) -> None:
    engine, row = shop.system.engine, first(shop)
    theirs = await replaced_by_hand(shop, row, labels={"owner": "somebody else"})
    await heal_until(shop.system, lambda: row.id not in serving(shop))
    await shop.system.control("drain", "drain", "drain")
    assert (await engine.container(theirs)).running
    assert len(serving(shop)) == 3
    assert set((await shop.route()).addresses) == {f"{each.address}:{each.port}" for each in shop.instances(SERVING)}


async def test_a_copy_that_inherited_our_labels_is_nobodys_business(shop: Shop) -> None:
    engine, row = shop.system.engine, first(shop)
    spec = engine._known(row.container_id).spec
    copy = await engine.create_container(replace(spec, name="copy", network="theirs", address="10.0.0.9"))
    for _ in range(2):
        await healed(shop)
    assert await engine.container(copy) is not None
    assert drifts(shop) == []
    assert len(shop.instances(SERVING)) == 3


async def test_without_drift_a_pass_is_one_call_to_the_engine(shop: Shop) -> None:
    calls = shop.system.engine.calls
    await healed(shop)
    calls.clear()
    await healed(shop)
    assert dict(calls) == {"containers": 1}


async def test_between_whole_passes_only_what_was_reported_is_looked_at(shop: Shop) -> None:
    engine = shop.system.engine
    await healed(shop)
    engine.calls.clear()
    engine.meddle(first(shop).container_id, millicores=1)
    await heard()
    await shop.system.control("heal")
    assert engine.calls["containers"] == 0
    assert engine.calls["container"] == 1
    assert engine.calls["limit"] == 1


async def test_while_the_engine_is_away_nothing_is_done_and_then_all_is_looked_at_again(shop: Shop) -> None:
    engine = shop.system.engine
    engine.down = True
    await heard()
    with pytest.raises(Unavailable):
        await shop.system.control("heal")
    engine._known(first(shop).container_id).spec = replace(
        engine._known(first(shop).container_id).spec, millicores=1
    )  # nobody was told
    engine.down = False
    async with asyncio.timeout(30):
        while not drifts(shop):
            await healed(shop)
            await asyncio.sleep(0)


async def test_what_differs_again_at_once_is_not_replaced_in_a_loop(shop: Shop) -> None:
    """As where a difference comes with the image: each attempt waits longer."""
    made = shop.system.engine.calls
    before = made["create_container"]
    for _ in range(6):
        for row in shop.instances(SERVING):
            shop.system.engine.meddle(row.container_id, image=image(1), env={"PORT": "1"})
        await healed(shop)
    assert made["create_container"] - before <= 3 * 2
