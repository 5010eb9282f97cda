"""Cron lines: what is refused and why, and when they are due where clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.domain.cron import check_cron, check_time_zone, due_after, due_between, next_due

BERLIN = "Europe/Berlin"  # 02:00 -> 03:00 on 2026-03-29, 03:00 -> 02:00 on 2026-10-25


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@reboot", "five fields"),
        ("60 * * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 0 0 * *", "bad day-of-month"),
        ("*/0 * * * *", "bad minute"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("a b c d e", "bad minute"),
        ("0 3 * * *; rm", "five fields"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_reason(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_cron(line)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "a\0b", "Europe/" + "x" * 99]
)
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        check_time_zone(name)


def test_words_mean_what_cron_means() -> None:
    assert check_cron("  @Daily ") == "@Daily"
    assert next_due("@daily", "UTC", utc("2026-01-01T00:00")) == utc("2026-01-02T00:00")
    assert next_due("@weekly", "UTC", utc("2026-01-01T00:00")) == utc("2026-01-04T00:00")


def test_a_time_of_day_is_that_of_the_zone() -> None:
    assert next_due("0 3 * * *", BERLIN, utc("2026-01-01T12:00")) == utc("2026-01-02T02:00")
    assert next_due("0 3 * * *", BERLIN, utc("2026-07-01T12:00")) == utc("2026-07-02T01:00")


def test_an_hour_that_is_left_out_is_made_up_for_at_once() -> None:
    due = due_after("30 2 * * *", BERLIN, utc("2026-03-28T12:00"))
    assert [next(due), next(due)] == [utc("2026-03-29T01:00"), utc("2026-03-30T00:30")]


def test_a_time_that_comes_twice_is_due_once() -> None:
    due = due_after("30 2 * * *", BERLIN, utc("2026-10-24T12:00"))
    assert [next(due), next(due)] == [utc("2026-10-25T00:30"), utc("2026-10-26T01:30")]
    in_second_pass = utc("2026-10-25T01:05")
    assert next_due("30 2 * * *", BERLIN, in_second_pass) == utc("2026-10-26T01:30")


def test_every_quarter_of_an_hour_goes_on_while_clocks_change() -> None:
    for before in ("2026-03-29T00:00", "2026-10-24T23:00"):
        due = due_after("*/15 * * * *", BERLIN, utc(before))
        times = [next(due) for _ in range(16)]
        assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=15)}


def test_what_was_missed_is_counted_to_an_end() -> None:
    first = utc("2026-01-01T00:00")
    assert due_between("0 * * * *", "UTC", first, utc("2026-01-01T00:00:30")) == (1, first)
    assert due_between("0 * * * *", "UTC", first, utc("2026-01-01T05:10")) == (6, utc("2026-01-01T05:00"))
    assert due_between("* * * * *", "UTC", first, utc("2027-01-01T00:00"))[0] == 1000


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 */3 * * *", "15,45 1-3 * * 0", "@hourly"]),
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]),
    st.integers(0, 2 * 366 * 24 * 3600),
)
def test_the_next_time_is_always_later(line: str, zone: str, seconds: int) -> None:
    asked = utc("2025-01-01T00:00") + timedelta(seconds=seconds)
    due = due_after(line, zone, asked)
    first, second = next(due), next(due)
    assert asked < first < second
