"""Health goes on being asked for while an instance serves: who fails rests, is replaced, and comes back when it is well."""

import asyncio
from dataclasses import dataclass, field

import pytest
from sqlmodel import select

from slipyard.api.views.runtime_views import status_view
from slipyard.domain.errors import Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.tables import Event, Instance
from tests.flow.healing import heal_until
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System

SERVING = InstanceStatus.SERVING
CHECK = HealthCheck(path="/up", start_period=0.3, interval=10, retries=3)


@dataclass
class Probes:
    """Answers for the app; addresses in `ill` answer 500, and in `slow` never. `asked` counts by address."""

    system: System
    ill: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    all_ill: bool = False
    asked: dict[str, int] = field(default_factory=dict)

    async def __call__(self, address: str, port: int, check: HealthCheck) -> str | None:
        self.asked[address] = self.asked.get(address, 0) + 1
        if address in self.slow:
            await asyncio.Event().wait()
        if self.all_ill or address in self.ill:
            return "answered 500 on /up"
        return await self.system.engine.probe(address, port, check)


@pytest.fixture
def probes(system: System) -> Probes:
    made = Probes(system)
    system.context.driver._readiness._probe = made
    return made


async def watched(shop: Shop, rounds: int = 1) -> None:
    """So many intervals later."""
    for _ in range(rounds):
        shop.system.clock.ahead += 11
        await shop.system.control("health", "heal")


async def live(system: System, replicas: int, check: HealthCheck = CHECK, **rollout: object) -> Shop:
    shop = await new_shop(system, replicas, check, **rollout)
    await system.control("heal", "bake", "health")
    return shop


def messages(shop: Shop, *kinds: str) -> list[str]:
    query = select(Event).where(Event.app_id == shop.app_id).order_by(Event.sequence)
    events = shop.system.read(lambda session: list(session.exec(query)))
    return [event.message for event in events if event.kind in kinds]


def row(shop: Shop, instance_id: str) -> Instance:
    return next(each for each in shop.system.instances(shop.app_id) if each.id == instance_id)


async def test_one_that_fails_rests_while_others_serve_and_another_takes_its_place(
    system: System, probes: Probes
) -> None:
    shop = await live(system, 3)
    ill = shop.instances(SERVING)[1]
    probes.ill.add(ill.address)
    shop.watch()
    await watched(shop, 2)
    assert messages(shop, "instance.unhealthy") == [], "twice is not enough"
    await watched(shop)

    assert messages(shop, "instance.unhealthy") == [
        f"{ill.id[-8:]}: Unhealthy: it answered 500 on /up, 3 times in a row."
    ]
    await heal_until(system, lambda: ill.id not in {each.id for each in shop.instances(SERVING)})
    assert "2 other(s) serve" in messages(shop, "instance.resting")[0]
    assert [len(route.addresses) for route, _ in shop.seen] == [2, 3]
    assert f"{ill.address}:{ill.port}" not in (await shop.route()).addresses
    await system.control("drain", "drain", "drain")
    assert row(shop, ill.id).status is InstanceStatus.RETIRED


async def test_the_only_one_goes_on_serving_until_another_is_ready(system: System, probes: Probes) -> None:
    shop = await live(system, 1)
    [only] = shop.instances(SERVING)
    before = (await shop.route()).addresses
    probes.all_ill = True
    await watched(shop, 4)
    assert (await shop.route()).addresses == before
    assert shop.instances(SERVING)[0].id == only.id
    await heal_until(system, lambda: messages(shop, "instance.replacement_failed"))
    assert "did not get ready" in messages(shop, "instance.replacement_failed")[0]
    said = system.read(lambda session: status_view(session, system.app(shop.app_id), system.context.settings))
    assert said.state == "degraded"
    assert "Unhealthy: it answered 500 on /up" in said.message

    probes.all_ill, probes.ill = False, {only.address}
    await put_due(shop, only.id)
    await watched(shop)
    await heal_until(system, lambda: only.id not in {each.id for each in shop.instances(SERVING)}, "health", "heal")
    assert len((await shop.route()).addresses) == 1


async def test_replacements_that_fail_wait_longer_each_time(system: System, probes: Probes) -> None:
    shop = await live(system, 1)
    [only] = shop.instances(SERVING)
    probes.all_ill = True
    waits = []
    for failed in (1, 2, 3):
        await watched(shop, 4)
        await heal_until(
            system, lambda times=failed: len(messages(shop, "instance.replacement_failed")) == times, "health", "heal"
        )
        waiting = row(shop, only.id)
        assert waiting.retry_at is not None
        assert waiting.failed_at is not None
        waits.append(round((waiting.retry_at - waiting.failed_at).total_seconds()))
        made = len(system.instances(shop.app_id))
        await watched(shop, 2)
        assert len(system.instances(shop.app_id)) == made, "not before its time"
        await put_due(shop, only.id)
    assert waits == [2, 4, 8]


async def test_one_that_is_well_again_comes_back_and_nobody_takes_its_place(system: System, probes: Probes) -> None:
    shop = await live(system, 2)
    [first, _] = shop.instances(SERVING)
    probes.ill.add(first.address)
    system.engine.fail_next("create_container", Unavailable("The engine is busy."), times=20)
    await watched(shop, 3)
    assert len((await shop.route()).addresses) == 1
    assert len(shop.instances(InstanceStatus.PLANNED)) == 1

    probes.ill.clear()
    await watched(shop, 2)
    assert set((await shop.route()).addresses) == {f"{each.address}:{each.port}" for each in shop.instances(SERVING)}
    assert first.id in {each.id for each in shop.instances(SERVING)}
    assert shop.instances(InstanceStatus.PLANNED) == [], "what was on its way is called off"
    assert messages(shop, "instance.healthy") == [f"{first.id[-8:]} is well again."]
    assert messages(shop, "instance.back") == [f"{first.id[-8:]} gets requests again."]


async def test_a_dead_one_gets_no_requests_and_comes_back_once_it_answers(system: System, probes: Probes) -> None:
    shop = await live(system, 2)
    dead = shop.instances(SERVING)[0]
    system.engine.fail_next("create_container", Unavailable("The engine is busy."))
    await system.engine.remove(dead.container_id or "")
    await system.control("heal")
    assert len((await shop.route()).addresses) == 1
    assert "it was removed from outside. 1 other(s) serve." in messages(shop, "instance.resting")[0]
    await watched(shop, 3)
    await heal_until(system, lambda: messages(shop, "instance.back"), "health", "heal")
    assert len((await shop.route()).addresses) == 2
    assert dead.id in {each.id for each in shop.instances(SERVING)}
    assert messages(shop, "instance.unhealthy") == [], "that it was away was the healer's business"


async def test_what_may_run_only_once_is_not_ended_for_its_health(system: System, probes: Probes) -> None:
    shop = await live(system, 1, strategy="recreate")
    [only] = shop.instances(SERVING)
    probes.ill.add(only.address)
    await watched(shop, 5)
    assert [each.id for each in shop.instances(SERVING)] == [only.id]
    assert len(messages(shop, "instance.unhealthy")) == 1


async def test_a_good_answer_in_between_begins_the_count_anew(system: System, probes: Probes) -> None:
    shop = await live(system, 2)
    ill = shop.instances(SERVING)[0]
    for _ in range(3):
        probes.ill.add(ill.address)
        await watched(shop, 2)
        probes.ill.clear()
        await watched(shop)
    assert messages(shop, "instance.unhealthy", "instance.resting") == []


async def test_one_that_never_answers_keeps_nobody_else_from_being_asked(system: System, probes: Probes) -> None:
    shop = await live(system, 3)
    slow, *others = shop.instances(SERVING)
    probes.slow.add(slow.address)
    before = dict(probes.asked)
    await watched(shop, 3)
    assert all(probes.asked[each.address] - before.get(each.address, 0) == 3 for each in others)
    probes.slow.clear()


async def test_each_is_asked_once_in_its_interval_and_at_its_own_moment(system: System, probes: Probes) -> None:
    shop = await live(system, 20)
    probes.asked.clear()
    by_second = []
    for _ in range(30):
        before = sum(probes.asked.values())
        system.clock.ahead += 1
        await system.control("health")
        by_second.append(sum(probes.asked.values()) - before)
    assert set(probes.asked.values()) <= {2, 3, 4}
    assert max(by_second) < 20, "never all at once"
    assert len(shop.instances(SERVING)) == 20


async def test_a_check_by_command_is_asked_while_it_serves_too(system: System) -> None:
    check = HealthCheck(command="check db", start_period=0.3, retries=1)
    shop = await live(system, 1, check)
    system.engine.executed.clear()
    await watched(shop)
    assert system.engine.executed == [("/bin/sh", "-c", "check db")]
    assert len(shop.instances(SERVING)) == 1


async def put_due(shop: Shop, instance_id: str) -> None:
    """As if its wait were over."""

    def write(session):
        session.get_one(Instance, instance_id).retry_at = shop.system.clock.now()

    await shop.system.context.database.writing(write)
