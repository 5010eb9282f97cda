"""As many instances as the release says, whatever happened to rows and containers; and nothing that is somebody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select

from slipyard.clients.container_engine import ContainerSpec, NetworkSpec
from slipyard.controller.loops import LOOPS
from slipyard.deployer.docker import names
from slipyard.domain.errors import RolloutFailed, Unavailable
from slipyard.domain.healing import Place, missing, surplus
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.lock_app import lock_app
from slipyard.pipeline.stop_app import stop_app
from slipyard.store.tables import Deployment, Event, Instance
from tests.flow.healing import heal_until
from tests.flow.rollouts import Nth, Shop, failing, new_shop
from tests.flow.system import System

SERVING, RETIRED = InstanceStatus.SERVING, InstanceStatus.RETIRED


async def change(shop: Shop, write: Callable[[Session], Any]) -> None:
    await shop.system.context.database.writing(write)


async def lose(shop: Shop, *ordinals: int) -> None:
    """Rows as after a fault of ours: retired, and nobody planned others."""

    def retire(session: Session) -> None:
        for row in session.exec(select(Instance).where(Instance.app_id == shop.app_id)):
            if row.ordinal in ordinals:
                row.status = RETIRED

    await change(shop, retire)


def ordinals(shop: Shop) -> list[int]:
    return sorted(row.ordinal for row in shop.instances(SERVING))


async def assert_route_is_whole(shop: Shop) -> None:
    assert set((await shop.route()).addresses) == {f"{row.address}:{row.port}" for row in shop.instances(SERVING)}


def kinds(shop: Shop) -> list[str]:
    query = select(Event.kind).where(Event.app_id == shop.app_id).order_by(Event.sequence)
    return shop.system.read(lambda session: list(session.exec(query)))


async def test_what_is_missing_is_started_and_gets_requests_once_it_is_ready(system: System) -> None:
    shop = await new_shop(system, replicas=3)
    await lose(shop, 1, 2)
    await heal_until(system, lambda: ordinals(shop) == [0, 1, 2])
    await assert_route_is_whole(shop)
    assert kinds(shop).count("instance.missing") == 2


async def test_what_cannot_be_started_is_tried_again_later_each_time(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    await lose(shop, 1)
    system.engine.fail_next("start", RolloutFailed("It has no such command. Change it."), times=100)
    await heal_until(system, lambda: kinds(shop).count("instance.replacement_failed") == 1)
    for _ in range(5):
        await system.control("heal")
    assert kinds(shop).count("instance.missing") == 1
    for attempt in (2, 3, 4):
        system.clock.ahead += 400
        await heal_until(system, lambda times=attempt: kinds(shop).count("instance.replacement_failed") == times)
    assert kinds(shop).count("instance.missing") == 4
    assert ordinals(shop) == [0]


async def test_one_too_many_leaves_the_route_first_and_then_goes(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    shop.watch()

    def scale(session: Session) -> None:
        for row in session.exec(select(Instance).where(Instance.app_id == shop.app_id, Instance.ordinal == 1)):
            row.ordinal = 5

    await change(shop, scale)
    await heal_until(system, lambda: ordinals(shop) == [0, 1])
    await assert_route_is_whole(shop)
    assert all(len(route.addresses) >= 1 for route, _ in shop.seen)
    await system.control("drain", "drain", "drain")
    assert await shop.running() == 2


async def test_what_serves_of_an_older_release_by_mistake_goes(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    await shop.deploy(2)
    await system.control("drain", "drain", "drain")
    first = system.deployments(shop.app_id)[0]

    def astray(session: Session) -> None:
        row = session.exec(select(Instance).where(Instance.deployment_id == first.id)).one()
        row.status = SERVING

    await change(shop, astray)
    await heal_until(system, lambda: list(shop.serving) == [shop.last.id])
    await assert_route_is_whole(shop)


@pytest.mark.parametrize("after", [False, True])
async def test_a_controller_that_is_killed_while_it_switches_leaves_what_the_next_one_finishes(
    system: System, after: bool
) -> None:
    """Between the intent and the rename, and between the rename and the rows."""
    shop = await new_shop(system, replicas=2)
    await lose(shop, 1)
    router = Nth(system.context.router, "switch", 1, RuntimeError("killed"), after=after)
    await heal_once(failing(system.context, "router", router))
    await heal_until(system, lambda: router.calls, "drain")
    assert ordinals(shop) == [0]
    assert len(shop.instances(InstanceStatus.READY)) == 1

    await heal_until(system, lambda: ordinals(shop) == [0, 1])
    await assert_route_is_whole(shop)


async def heal_once(context: Any) -> None:
    await next(loop for loop in LOOPS if loop.name == "heal").start(context)()


async def test_while_a_deployment_is_at_work_its_worker_alone_counts(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    await lose(shop, 1)

    def at_work(session: Session) -> None:
        later = Deployment(
            id="dep_later",
            app_id=shop.app_id,
            number=2,
            status=DeploymentStatus.DEPLOYING,
            trigger="api",
            actor="somebody",
            created_at=system.clock.now(),
        )
        session.add(later)

    await change(shop, at_work)
    await system.control("heal")
    assert ordinals(shop) == [0]


async def test_a_stopped_app_stays_stopped_also_in_the_midst_of_healing(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    await lose(shop, 1)
    system.engine.fail_next("start", Unavailable("The engine is busy. Try again."))
    await system.control("heal")
    assert len(shop.instances(InstanceStatus.PLANNED)) == 1
    await stop_app(system.context, shop.app_id, system.actor)
    for _ in range(3):
        await system.control("heal", "drain")
    assert shop.instances(*(each for each in InstanceStatus if each is not RETIRED)) == []
    assert await shop.running() == 0


async def test_a_locked_app_is_healed_as_any_other(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    await lock_app(system.context, shop.app_id, "the auditors are here", system.actor)
    await lose(shop, 1)
    await heal_until(system, lambda: ordinals(shop) == [0, 1])


async def test_what_may_run_only_once_is_started_after_the_old_one_is_gone(system: System) -> None:
    shop = await new_shop(system, replicas=1, strategy="recreate")

    def leaving(session: Session) -> None:
        row = session.exec(select(Instance).where(Instance.app_id == shop.app_id)).one()
        row.status, row.retiring_at = InstanceStatus.RETIRING, system.clock.now()

    await change(shop, leaving)
    await system.control("heal")
    assert shop.instances(SERVING) == []
    await heal_until(system, lambda: ordinals(shop) == [0], "drain", "heal")
    await assert_route_is_whole(shop)


async def test_containers_of_others_are_never_touched(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    engine = system.engine
    await engine.create_network(NetworkSpec("theirs", "10.9.0.0/26", {}))
    strange = {names.INSTALLATION: "another", names.APP: shop.app_id, names.INSTANCE: shop.instances(SERVING)[0].id}
    specs = [
        ContainerSpec("theirs", "registry.example/shop:1", {}, {}, "theirs", "10.9.0.2"),
        ContainerSpec("other-installation", "registry.example/shop:1", {}, strange, "theirs", "10.9.0.3"),
    ]
    theirs = [await engine.create_container(spec) for spec in specs]
    for container_id in theirs:
        await engine.start(container_id)
        await engine.pause(container_id)
    before = [await engine.container(each) for each in theirs]
    await lose(shop, 0)
    for _ in range(3):
        await system.control("heal", "drain")
    assert [await engine.container(each) for each in theirs] == before


@pytest.mark.parametrize("apps", [3])
async def test_a_pass_costs_one_call_and_as_many_queries_however_many_apps(system: System, apps: int) -> None:
    shop = await new_shop(system, replicas=apps)
    await system.control("heal", "heal")
    system.engine.calls.clear()
    await system.control("heal")
    assert dict(system.engine.calls) == {"containers": 1}
    assert ordinals(shop) == list(range(apps))


def test_places_are_filled_by_ordinal_and_the_later_of_two_stays() -> None:
    web = [Place("web", ordinal) for ordinal in range(4)]
    assert missing({"web": 3, "worker": 1}, {web[1]}) == [web[0], web[2], Place("worker", 0)]
    assert missing({"web": 0}, set()) == []
    assert surplus({"web": 2}, [("ins_1", web[0]), ("ins_2", web[1]), ("ins_3", web[0]), ("ins_4", web[3])]) == [
        "ins_1",
        "ins_4",
    ]
    assert surplus({}, [("ins_1", web[0])]) == ["ins_1"]
