"""A child that dies comes back, sooner or later by how it lived."""

from slipyard.cli.up.backoff import Backoff


def test_the_first_death_waits_for_nothing_and_each_early_one_after_it_twice_as_long_up_to_ten_seconds():
    backoff = Backoff()
    assert [backoff.after(0.01) for _ in range(10)] == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_child_that_lived_well_starts_from_the_beginning():
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0.01)
    assert backoff.after(30.0) == 0.0
    assert backoff.after(29.9) == 0.1
