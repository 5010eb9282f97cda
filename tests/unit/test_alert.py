"""An alert fires after it has lasted, is over after it has lasted, and does not flap in between."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.alert import AlertStanding, AlertState, AlertTerms, judged

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TERMS = AlertTerms(threshold=90, resolve_below=80, seconds=60)
OK, PENDING, FIRING = AlertState.OK, AlertState.PENDING, AlertState.FIRING


def states(values, terms=TERMS, step=15):
    standing, found = AlertStanding(), []
    for number, value in enumerate(values):
        standing = judged(standing, terms, value, NOW + timedelta(seconds=number * step))
        found.append(standing.state)
    return found


def test_a_peak_that_does_not_last_fires_nothing():
    assert states([95, 95, 95, 89, 95, 95]) == [PENDING, PENDING, PENDING, OK, PENDING, PENDING]


def test_what_does_not_run_is_above_nothing():
    assert states([95, None, 95]) == [PENDING, OK, PENDING]


def test_what_is_bad_when_it_is_little_fires_below_and_is_over_above():
    days = AlertTerms(14, 15, 0, falling=True)
    assert states([20, 14, 14.5, 15.1, None, 3], days) == [OK, FIRING, FIRING, OK, OK, FIRING]


def test_it_fires_once_it_has_lasted_and_between_the_two_bounds_it_goes_on():
    assert states([90, 90, 90, 90, 90, 85, 81]) == [PENDING] * 4 + [FIRING] * 3


def test_it_is_over_once_it_was_below_as_long():
    assert states([95] * 5 + [79] * 3 + [85] + [79] * 5)[5:] == [FIRING] * 8 + [OK]


def test_without_a_time_it_fires_and_ends_at_once():
    assert states([1, 0, None], AlertTerms(1, 1, 0)) == [FIRING, OK, OK]


@given(st.lists(st.sampled_from([None, 50, 85, 90, 95]), max_size=60))
def test_it_never_fires_without_a_minute_of_values_at_the_threshold(values):
    found = states(values)
    if FIRING in found:
        first = found.index(FIRING)
        assert all(value is not None and value >= 90 for value in values[first - 4 : first + 1])
        assert first >= 4
