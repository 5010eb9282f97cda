"""How many instances a load asks for: when more, when fewer, when neither, and why."""

import math

import pytest
from pydantic import ValidationError

from slipyard.domain.autoscaling import AutoscaleRules, Bounds, Load, Sample, Standing, decide

STEP = 15
CPU = AutoscaleRules(targets={Load.CPU: 60})
BOUNDS = Bounds(1, 10)


def steady(amount: float | None, steps: int = 40, load: Load = Load.CPU) -> list[Sample]:
    """`amount` is of all instances together."""
    return [Sample(STEP * (number + 1), {} if amount is None else {load: amount}) for number in range(steps)]


def after(standing: Standing, rules: AutoscaleRules = CPU, bounds: Bounds = BOUNDS) -> int:
    move = decide(rules, bounds, standing)
    return standing.count if move is None else move.after


def test_nothing_that_was_measured_moves_nothing() -> None:
    assert decide(CPU, BOUNDS, Standing(3, [])) is None
    assert after(Standing(3, steady(None))) == 3


def test_a_leader_that_began_a_moment_ago_waits_before_it_moves() -> None:
    assert after(Standing(2, steady(1000, 1))) == 2
    assert after(Standing(5, steady(10, 10))) == 5  # 150 s of 300


def test_load_asks_for_as_many_as_carry_it_and_says_why() -> None:
    move = decide(CPU, BOUNDS, Standing(2, steady(168)))
    assert str(move) == "2 -> 3: 84 % CPU of a target of 60 over 15 s"


def test_within_the_tolerance_nothing_moves() -> None:
    assert after(Standing(2, steady(2 * 65))) == 2
    assert after(Standing(2, steady(2 * 67))) == 3


def test_a_whole_number_of_instances_is_not_one_more() -> None:
    rules = AutoscaleRules(targets={Load.REQUESTS: 0.1}, tolerance=0)
    assert after(Standing(2, steady(0.3, load=Load.REQUESTS)), rules) == 3


@pytest.mark.parametrize(("count", "amount", "expected"), [(2, 10_000, 4), (4, 0, 2), (7, 300, 4), (1, 60, 2)])
def test_the_bounds_hold_whatever_the_load(count: int, amount: float, expected: int) -> None:
    assert after(Standing(count, steady(amount)), bounds=Bounds(2, 4)) == expected


def test_the_load_that_needs_most_decides_and_one_that_is_not_measured_keeps_what_there_is() -> None:
    rules = AutoscaleRules(targets={Load.CPU: 60, Load.REQUESTS: 10})
    both = [Sample(each.at, {Load.CPU: 30, Load.REQUESTS: 55}) for each in steady(0)]
    assert after(Standing(3, both), rules) == 6
    assert after(Standing(3, steady(30)), rules) == 3


def test_fewer_only_once_nothing_of_the_whole_time_needed_more() -> None:
    quiet = steady(60, 40)
    assert after(Standing(4, quiet)) == 1
    peak = [*quiet[:25], Sample(quiet[25].at, {Load.CPU: 170.0}), *quiet[26:]]
    move = decide(CPU, BOUNDS, Standing(4, peak))
    assert move is not None
    assert (move.after, move.reason) == (3, "at most 42.5 % CPU of a target of 60 over 300 s")


def test_a_processor_that_is_used_up_asks_for_twice_as_many() -> None:
    assert after(Standing(2, steady(2 * 94))) == 4
    assert after(Standing(2, steady(2 * 94)), bounds=Bounds(1, 3)) == 3
    assert after(Standing(3, steady(3 * 96))) == 6
    rules = AutoscaleRules(targets={Load.CPU: 90})
    assert after(Standing(2, steady(2 * 98)), rules) == 2  # within the tolerance


def test_a_move_is_followed_by_the_next_only_after_its_time() -> None:
    samples = steady(600)
    now = samples[-1].at
    assert after(Standing(2, samples, now - STEP + 1)) == 2
    assert after(Standing(2, samples, now - CPU.up_seconds)) == 10
    assert after(Standing(4, steady(10), now - CPU.down_seconds + 1)) == 4


def test_what_was_seen_before_a_move_is_not_counted_again() -> None:
    rules = AutoscaleRules(targets={Load.CPU: 60}, up_seconds=60)
    samples = [*steady(600, 36), *(Sample(STEP * (37 + number), {Load.CPU: 120.0}) for number in range(4))]
    assert after(Standing(2, samples, STEP * 36), rules) == 2


@pytest.mark.parametrize(
    "wrong", [{}, {"cpu": 0}, {"cpu": 101}, {"memory": -1}, {"requests": math.inf}, {"sessions": 3}]
)
def test_targets_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        AutoscaleRules.model_validate({"targets": wrong})
