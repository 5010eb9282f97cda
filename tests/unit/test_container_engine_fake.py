"""The fake keeps the contract of the real engine, and fails when told to."""

from dataclasses import dataclass, field

import pytest

from slipyard.clients.container_engine_fake import FakeContainerEngine
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.clock import SystemClock
from slipyard.domain.errors import Unavailable
from tests.contract.container_engine import EngineContract

BEHAVIOURS = {
    "serves": Behaviour(),
    "exits 3": Behaviour(exits_after=0, exit_code=3),
    "talks": Behaviour(exits_after=0, output=("a", "b")),
}


@dataclass
class FakeWorld:
    engine: FakeContainerEngine
    label: dict[str, str] = field(default_factory=lambda: {"slipyard.test": "fake"})
    prefix: str = "fake"
    subnets: tuple[str, str] = ("10.9.1.0/26", "10.9.2.0/26")

    def doing(self, behaviour: str) -> dict[str, object]:
        self.engine.add_image(behaviour, BEHAVIOURS[behaviour])
        return {"image": behaviour}


class TestFakeContainerEngine(EngineContract):
    @pytest.fixture
    def world(self):
        return FakeWorld(FakeContainerEngine(SystemClock()))

    async def kill(self, bench, container_id):
        bench.engine.crash(container_id)

    async def test_it_fails_as_often_as_told(self, world):
        world.engine.fail_next("image", Unavailable("away"), times=2)
        for _ in range(2):
            with pytest.raises(Unavailable, match="away"):
                await world.engine.image("x")
        assert await world.engine.image("x") is None

    async def test_when_it_is_down_nothing_answers_and_streams_end(self, world):
        events = world.engine.events({})
        reading = anext(events)
        world.engine.down = True
        with pytest.raises(Unavailable):
            await reading
        with pytest.raises(Unavailable):
            await world.engine.version()
