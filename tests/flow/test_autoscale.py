"""Load moves the number of instances between the bounds, with a reason; requests are lost by none of it."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from slipyard.domain.autoscaling import AutoscaleRules, Load
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.domain.usage import Consumed, Usage
from slipyard.pipeline.scale.set_rules import ScaleRules, set_rules
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import usage_series
from slipyard.store.tables import Event
from tests.flow.healing import heal_until
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System

SERVING = InstanceStatus.SERVING
RULES = AutoscaleRules(targets={Load.CPU: 60}, up_seconds=30, down_seconds=60)


class Scaled:
    """A shop on a clock of its own, whose instances are measured as a test says."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.system = shop, shop.system
        self.begun, self.steps = self.system.clock.now(), 0
        self.system.clock.now = self.now  # type: ignore[method-assign]
        path = SeriesFiles(self.system.context.layout.metrics).usage(shop.app_id, Measured("service", "web"))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.series = usage_series(path)

    def now(self) -> datetime:
        return self.begun + timedelta(seconds=self.steps * FINE.step)

    async def use(self, cores: float, steps: int) -> None:
        """Of instances that may use one core each, one pass after each step."""
        for _ in range(steps):
            count = len(self.shop.instances(SERVING))
            moment = FINE.begin(self.now().timestamp())
            self.series.record(moment, Usage(cpu=cores, cpu_limit=count, instances=count), Consumed())
            self.steps += 1
            await self.system.control("autoscale")

    async def until_serving(self, count: int) -> None:
        def reached() -> bool:
            route = self.system.route(self.shop.app_id)
            return len(self.shop.instances(SERVING)) == len(route.addresses) == count

        await heal_until(self.system, reached)

    @property
    def moves(self) -> list[str]:
        query = select(Event.message).where(Event.app_id == self.shop.app_id, Event.kind == "app.scaled")
        return self.system.read(lambda session: list(session.exec(query.order_by(Event.sequence))))

    async def tell(self, rules: AutoscaleRules | None, least: int | None = None, most: int | None = None) -> None:
        app = self.system.app(self.shop.app_id)
        await set_rules(self.system.context, app, ScaleRules(rules, least, most), self.system.actor)


@pytest.fixture
async def scaled(system: System) -> Scaled:
    made = Scaled(await new_shop(system, 1))
    await made.tell(RULES, 1, 4)
    return made


async def test_what_is_not_measured_is_left_as_it_is(scaled: Scaled) -> None:
    for _ in range(10):
        scaled.steps += 1
        await scaled.system.control("autoscale")
    assert (scaled.moves, scaled.system.app(scaled.shop.app_id).scaled_to) == ([], None)


async def test_load_brings_more_and_quiet_takes_them_away_with_a_reason_and_a_drain(scaled: Scaled) -> None:
    await scaled.use(0.9, 4)
    assert scaled.moves == ["web 1 -> 2: 90 % CPU of a target of 60 over 30 s."]
    await scaled.until_serving(2)
    scaled.shop.watch()
    await scaled.use(0.1, 8)
    assert scaled.moves[1:] == ["web 2 -> 1: at most 5 % CPU of a target of 60 over 60 s."]
    await scaled.until_serving(1)
    [(route, running)] = scaled.shop.seen
    assert (len(route.addresses), running) == (1, 2)  # out of the route first, then it ends
    assert len(scaled.shop.instances(InstanceStatus.RETIRING)) == 1


async def test_a_deployment_keeps_the_number_and_no_move_is_made_meanwhile(scaled: Scaled) -> None:
    await scaled.use(2.0, 4)
    await scaled.until_serving(4)
    assert (await scaled.shop.deploy(2)).status is DeploymentStatus.ACTIVE
    assert scaled.shop.serving == {scaled.shop.last.id: 4}
    await scaled.system.control("heal")
    assert scaled.shop.serving == {scaled.shop.last.id: 4}


async def test_bounds_count_at_once_and_turned_off_the_release_says_how_many(scaled: Scaled) -> None:
    await scaled.use(2.0, 4)
    await scaled.until_serving(4)
    await scaled.tell(RULES, 1, 3)
    await scaled.use(2.0, 1)
    assert scaled.moves[-1] == "web 4 -> 3: between 1 and 3 instances are allowed."
    await scaled.tell(None)
    await scaled.system.control("autoscale")
    await scaled.until_serving(1)
    assert "not scaled by load any more" in scaled.moves[-1]


async def test_streams_in_flight_ask_for_instances_before_they_are_in_any_log(scaled: Scaled) -> None:
    await scaled.tell(AutoscaleRules(targets={Load.CONCURRENCY: 10}))
    [address] = scaled.shop.addresses(scaled.shop.last)
    scaled.system.caddy.requests[address] = 25
    await scaled.use(0.0, 4)
    assert scaled.moves == ["web 1 -> 3: 25 requests in flight of a target of 10 over 15 s."]
