"""When a message is sent again: quickly at first, ever later, never at the same moment, and not after a day."""

from datetime import UTC, datetime, timedelta
from random import Random

from slipyard.pipeline.telling.send_schedule import KEPT, KEPT_LONGER, WAITS, next_attempt

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_the_schedule_waits_longer_each_time_and_ends_within_a_day():
    assert list(WAITS) == sorted(WAITS)
    assert timedelta(hours=20) < timedelta(seconds=sum(WAITS)) < KEPT


def test_each_wait_is_that_of_the_schedule_give_or_take_a_fifth():
    for attempts, wait in enumerate(WAITS, start=1):
        moments = {next_attempt(attempts, NOW, NOW, Random(seed)) for seed in range(20)}
        seconds = [(moment - NOW).total_seconds() for moment in moments if moment]
        assert all(0.8 * wait <= each <= 1.2 * wait for each in seconds)
        assert len(seconds) > 10, "what failed together comes back apart"


def test_after_the_last_of_them_or_after_a_day_it_is_given_up():
    assert next_attempt(len(WAITS) + 1, NOW, NOW, Random(1)) is None
    assert next_attempt(1, NOW - KEPT, NOW, Random(1)) is None
    assert next_attempt(1, NOW - KEPT + timedelta(minutes=1), NOW, Random(1)) is not None


def test_what_is_worth_more_patience_is_tried_on_as_seldom_as_last():
    kept = KEPT_LONGER["take_back"]
    moment = next_attempt(len(WAITS) + 5, NOW - timedelta(days=3), NOW, Random(1), kept)
    assert moment is not None
    assert moment - NOW >= timedelta(seconds=0.8 * WAITS[-1])
    assert next_attempt(1, NOW - kept, NOW, Random(1), kept) is None
