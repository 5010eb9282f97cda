"""A worker that is killed, or stands still until all is long over, at each step of each kind of rollout.

A step is whatever a worker does outside itself: a transaction, a question to the engine, a rename. After each the app is as
it was asked to be: one active release, one set of instances, and requests go there. `HYPOTHESIS_PROFILE=long` takes each fate
at every step, the short form one fate at every eleventh.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from slipyard.domain.rollout import Strategy
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.any_sequence.mortal_process import Fate
from tests.flow.any_sequence.two_apps import TwoApps, image

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
EVERY, MOST_STEPS = 11, 300
Ask = Callable[[TwoApps], None]
FATES = (Fate.KILLED_BEFORE, Fate.KILLED_AFTER, Fate.FROZEN)


def deploy(world: TwoApps) -> None:
    """Another image each time, so that there is something to roll out."""
    kind = ("fine", "fine too")[len(world.accepted) % 2]
    world.ask(deploy_app(world.context, world.apps["shop"], DeployRequest(image(kind)), world.actor))


def go_back(world: TwoApps) -> None:
    deploy(world)
    world.settle()
    world.ask(roll_back(world.context, world.apps["shop"], None, world.actor))


def fail(world: TwoApps) -> None:
    world.ask(deploy_app(world.context, world.apps["shop"], DeployRequest(image("never ready")), world.actor))


@pytest.fixture
def world() -> Iterator[TwoApps]:
    made = TwoApps()
    yield made
    made.close()


@pytest.mark.parametrize("ask", [deploy, go_back, fail])
@pytest.mark.parametrize("strategy", Strategy)
def test_one_release_is_live_and_one_set_of_instances_whatever_the_step(
    world: TwoApps, strategy: Strategy, ask: Ask
) -> None:
    world.go_live(strategy, 2, migrates=False)
    for number in range(1, MOST_STEPS) if LONG else range(1 + len(strategy) % EVERY, MOST_STEPS, EVERY):
        fates = FATES if LONG else (FATES[number % len(FATES)],)
        met = [_live_through(world, ask, fate, number) for fate in fates]
        if not all(met):
            break
    assert EVERY < number < MOST_STEPS - EVERY, "each has so many steps, and no more"


def _live_through(world: TwoApps, ask: Ask, fate: Fate, number: int) -> bool:
    """Whether there is such a step."""
    ask(world)
    met = world.work_until_frozen(number) if fate is Fate.FROZEN else world.work_to_death(fate, number)
    world.settle(frozen_stay=True)
    if world.frozen:
        deploy(world)
        world.settle(frozen_stay=True)
        world.thaw_after_all_is_over()
    return met
