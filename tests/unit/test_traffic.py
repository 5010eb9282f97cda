"""Quantiles of counted answers are close to those of the answers themselves."""

import math

from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.traffic import BOUNDS, Traffic, TrafficCount, total
from slipyard.domain.usage import Consumed, Reading, consumed


def counted(durations, status=200):
    count = TrafficCount()
    for seconds in durations:
        count.add(status, seconds)
    return count.value()


def test_without_an_answer_there_is_no_quantile():
    assert Traffic().quantile(0.5) is None


def test_statuses_are_classes_and_what_is_none_counts_with_its_neighbour():
    count = TrafficCount()
    for status in (101, 204, 302, 404, 500, 599, 0, 700):
        count.add(status, 0.01)
    assert count.value().classes == (2, 1, 1, 1, 3)


def test_what_takes_longer_than_the_last_bound_is_counted():
    assert counted([10_000.0]).quantile(0.99) == BOUNDS[-1]


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_is_off_by_one_bucket_at_the_most(durations, share):
    exact = sorted(durations)[math.ceil(share * len(durations)) - 1]
    found = counted(durations).quantile(share)
    assert exact / 1.28 <= found <= exact * 1.28


@given(st.lists(st.lists(st.floats(0.001, 100), max_size=20), max_size=5))
def test_parts_add_up_to_the_whole(parts):
    whole = total(counted(part) for part in parts)
    assert whole.buckets == counted([seconds for part in parts for seconds in part]).buckets


def test_a_counter_that_went_back_began_anew():
    before, now = Reading(9.0, 1, 1, received=500), Reading(2.0, 1, 1, received=700)
    assert consumed(before, now) == Consumed(cpu_seconds=2.0, received=200)


def test_what_nobody_knows_is_nothing_consumed():
    assert consumed(Reading(1.0, 1, 1), Reading(1.0, 1, 1, received=5)) == Consumed()
