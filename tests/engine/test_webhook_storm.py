"""Deliveries sent many times over while the api and Redis are killed: each commit decided once, and none lost."""

from benchmarks.webhook_storm import Plan, run


def test_a_small_storm_loses_nothing_and_repeats_nothing() -> None:
    plan = Plan(deliveries=100, times=5, apps=4, clients=6, kills=4)

    storm, found = run(plan)

    assert storm.killed == ["api", "redis", "api"]
    assert set(storm.statuses) <= {200, 202}
    assert storm.answered == plan.deliveries * plan.times
    assert (found.deliveries, found.pushes) == (plan.deliveries, plan.deliveries)
    assert (found.lost, found.undecided, found.decided_twice, found.built_twice) == (0, 0, 0, 0)
