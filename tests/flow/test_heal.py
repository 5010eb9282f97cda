"""One container that the engine refuses keeps nobody from healing the others."""

import pytest
from sqlmodel import col, select

from slipyard.deployer.driver import InstanceEvent
from slipyard.domain.errors import Conflict, SlipyardError, Unavailable
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.healing.stirred import Stirred
from slipyard.store.tables import App, Instance
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import QUICK, push
from tests.unit.virtual_clock import VirtualClock, passing

REMOVAL = Conflict("The container engine could not change the container: it is marked for removal.")


async def live_instances(system: System, repository: Repository, *slugs: str) -> list[str]:
    """Ids of the one instance of each app, in the order in which a pass comes to them."""
    for slug in slugs:
        app_id = (await create_app(system.context, NewApp(slug, config=QUICK), system.actor)).app.id
        await push(system, app_id, repository, slug, main__py=slug)
    await system.settle()
    return sorted(seen.instance_id for seen in await system.context.driver.observe())


async def container_of(system: System, instance_id: str) -> str:
    return {seen.instance_id: seen.container_id for seen in await system.context.driver.observe()}[instance_id]


async def running(system: System) -> set[str]:
    return {seen.instance_id for seen in await system.context.driver.observe() if seen.running}


@pytest.mark.parametrize("error", [REMOVAL, Unavailable("The container engine does not answer.")])
async def test_a_container_that_refuses_does_not_end_the_pass(
    system: System, repository: Repository, error: SlipyardError
) -> None:
    first, second = await live_instances(system, repository, "one", "two")
    await system.engine.remove(await container_of(system, second))
    system.engine.fail_next("keep_running", error)

    await system.control("heal")

    assert await running(system) == {first, second}


async def test_what_was_refused_is_asked_again(system: System, repository: Repository) -> None:
    await live_instances(system, repository, "one")
    system.engine.fail_next("keep_running", REMOVAL)
    await system.control("heal")
    asked = system.engine.calls["keep_running"]
    await system.control("heal", "heal")
    assert system.engine.calls["keep_running"] == asked + 1, "again, and once it was done never more"


async def test_what_is_just_on_its_way_out_is_made_again_and_not_replaced(
    system: System, repository: Repository
) -> None:
    """Between the death of a container that somebody removes and its end the engine refuses to start it."""
    [only] = await live_instances(system, repository, "one")
    await system.control("heal")
    await system.engine.stop(await container_of(system, only), 0)
    system.engine.fail_next("start", REMOVAL)
    await system.control("heal")
    assert await running(system) == set()

    await system.engine.remove(await container_of(system, only))
    system.clock.ahead += 0.3
    await system.control("heal")
    assert await running(system) == {only}
    assert system.read(lambda session: len(session.exec(select(Instance)).all())) == 1


async def test_what_was_on_its_way_out_is_made_again_as_soon_as_the_engine_says_that_it_is_gone(
    system: System, repository: Repository
) -> None:
    [only] = await live_instances(system, repository, "one")
    await system.control("heal")
    container_id = await container_of(system, only)
    await system.engine.stop(container_id, 0)
    system.engine.fail_next("start", REMOVAL)
    await system.control("heal")
    assert await running(system) == set()

    await system.engine.remove(container_id)
    system.context.stirred.note(InstanceEvent("destroy", only, "", container_id))
    await system.control("heal")
    assert await running(system) == {only}
    assert system.read(lambda session: session.exec(select(Instance.id)).all()) == [only]


async def test_whose_time_comes_is_looked_at_then_and_not_with_the_next_whole_pass() -> None:
    async with passing(VirtualClock()) as clock:
        stirred = Stirred()
        stirred.remind("ins_1", "container", clock.monotonic() + 2)
        await stirred.rest(clock, 5)
        assert 2 <= clock.monotonic() < 2.5
        assert dict(stirred.take(clock.monotonic()).changed) == {"ins_1": "container"}
        assert dict(stirred.take(clock.monotonic()).changed) == {}


async def test_a_stray_that_cannot_be_removed_leaves_the_others_their_turn(
    system: System, repository: Repository
) -> None:
    strays = await live_instances(system, repository, "one", "two")
    await system.context.database.writing(lambda session: _forget(session, strays))
    system.engine.fail_next("stop", Unavailable("The container engine does not answer."))

    await system.control("heal")
    assert len(await running(system)) == 1
    await system.control("heal")
    assert await running(system) == set()


def _forget(session, instance_ids):
    """As after a worker that was frozen: retired in the rows, and in the engine it runs."""
    for row in session.exec(select(Instance).where(col(Instance.id).in_(instance_ids))):
        row.status = InstanceStatus.RETIRED
        session.get_one(App, row.app_id).stopped = True
