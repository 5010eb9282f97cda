"""Freeze windows: weekly, in UTC, over midnight, one after the other."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from slipyard.domain.freeze import FreezeWindow, freeze_at

WEEKEND = (FreezeWindow(days=("sat", "sun"), reason="Nobody is there"),)
EVENINGS = (FreezeWindow(days=("mon", "tue", "wed", "thu", "fri"), begins="18:00", ends="08:00"),)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """The 2nd of November 2026 is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize("broken", [{"days": ()}, {"days": ("friday",)}, {"begins": "24:00"}, {"ends": "8:00"}])
def test_what_is_no_window_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FreezeWindow.model_validate(broken)


def test_outside_of_windows_nothing_is_frozen() -> None:
    assert freeze_at((), at(7, 12)) is None
    assert freeze_at(WEEKEND, at(6, 23, 59)) is None
    assert freeze_at(EVENINGS, at(3, 8)) is None


def test_a_window_may_end_on_the_next_day() -> None:
    for now in (at(2, 18), at(2, 23, 59), at(3, 0), at(3, 7, 59)):
        freeze = freeze_at(EVENINGS, now)
        assert freeze is not None
        assert freeze.until == at(3, 8)


def test_windows_without_a_gap_are_one_and_keep_the_first_reason() -> None:
    freeze = freeze_at((*EVENINGS, *WEEKEND), at(6, 20))

    assert freeze is not None
    assert (freeze.until, freeze.reason) == (at(9, 0), "Nobody is there")


def test_a_freeze_that_never_ends_is_looked_at_again_in_a_week() -> None:
    freeze = freeze_at((FreezeWindow(),), at(2, 12))

    assert freeze is not None
    assert at(9, 12) <= freeze.until <= at(10, 12)
