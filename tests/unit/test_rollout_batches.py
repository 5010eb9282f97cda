"""However many instances there are, a rollout in batches keeps its limits, and comes to an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from slipyard.deployer.router import SLOTS, shares
from slipyard.domain.evidence import Answers, complaint
from slipyard.domain.rollout import Batch, Canary, Limits, RolloutRules, Strategy, limits_of, next_batch

COUNTS = st.integers(0, 20)


@given(old=COUNTS, replicas=COUNTS, surge=COUNTS, unavailable=COUNTS)
def test_no_batch_breaks_a_limit(old, replicas, surge, unavailable):
    limits = Limits(surge if surge or unavailable else 1, unavailable)
    new, least = 0, min(old, replicas - unavailable)
    for _ in range(2 * (old + replicas) + 2):
        batch = next_batch(old, new, replicas, limits)
        assert batch.start == 0 or old + new + batch.start <= replicas + limits.surge
        new, old = new + batch.start, old - batch.drop
        assert new + old >= min(least, replicas)
        if new >= replicas:
            break
    assert (new, old) == (replicas, 0)


def test_three_replicas_with_one_above_go_one_by_one():
    limits = Limits(1, 0)
    assert next_batch(3, 0, 3, limits) == Batch(1, 1)
    assert next_batch(2, 1, 3, limits) == Batch(1, 1)
    assert next_batch(1, 2, 3, limits) == Batch(1, 1)


def test_without_room_above_an_old_one_goes_first():
    assert next_batch(3, 0, 3, Limits(0, 1)) == Batch(0, 1)
    assert next_batch(2, 0, 3, Limits(0, 1)) == Batch(1, 1)


@pytest.mark.parametrize(
    ("surge", "unavailable", "limits"),
    [
        ("25%", 0, Limits(1, 0)),
        (2, "50%", Limits(2, 1)),
        (0, "25%", Limits(1, 0)),
        (0, 0, Limits(1, 0)),
        (0, 1, Limits(0, 1)),
    ],
)
def test_shares_of_three_replicas(surge, unavailable, limits):
    assert limits_of(RolloutRules(max_surge=surge, max_unavailable=unavailable), 3) == limits


def test_blue_green_is_one_batch():
    limits = limits_of(RolloutRules(strategy=Strategy.BLUE_GREEN, max_surge=1), 5)
    assert next_batch(5, 0, 5, limits) == Batch(5, 5)


@pytest.mark.parametrize("given", [-1, "101%", "x", 1.5, True, "%"])
def test_amounts_that_are_none_are_refused(given):
    with pytest.raises(ValidationError):
        RolloutRules(max_surge=given)


@pytest.mark.parametrize("given", [(), (3,), (50, 25), (5, 5), (0,), (100,)])
def test_steps_that_a_route_cannot_hold_are_refused(given):
    with pytest.raises(ValidationError):
        Canary(steps=given)


@pytest.mark.parametrize("percent", range(5, 100, 5))
def test_a_share_is_exact_and_spread(percent):
    slots = shares(["new"], ["old a", "old b"], percent)
    assert len(slots) == SLOTS
    assert slots.count("new") == percent // 5
    half = [slots[: SLOTS // 2].count("new"), slots[SLOTS // 2 :].count("new")]
    assert abs(half[0] - half[1]) <= 1
    assert abs(slots.count("old a") - slots.count("old b")) <= 1


@pytest.mark.parametrize(
    ("new", "old", "worse"),
    [
        (Answers(2, 2), Answers(100, 0), False),  # may be chance
        (Answers(3, 3), Answers(100, 0), True),
        (Answers(100, 4), Answers(100, 0), False),
        (Answers(100, 5), Answers(100, 0), True),
        (Answers(50, 50), Answers(50, 50), False),  # what both stand on is out
        (Answers(), Answers(), False),
    ],
)
def test_a_canary_is_stopped_for_what_is_clearly_its_own(new, old, worse):
    assert (complaint({"a": new}, {"b": old}) is not None) is worse


def test_the_evidence_names_the_instances():
    said = complaint({"a": Answers(10, 5), "b": Answers(10, 0)}, {"c": Answers(60, 0)})
    assert said == "the new instances answered 5 of 20 (25%) with a 5xx (a: 5 of 10 (50%)), the old ones 0 of 60 (0%)"
