"""Many workers at once, on a database that really lets them run at once."""

import threading
from collections import Counter

from sqlmodel import select

from slipyard.domain.errors import LeaseLost, StatusConflict
from slipyard.domain.lifecycle import BuildStatus, is_terminal
from slipyard.store import claims
from slipyard.store.claims import claim_build
from slipyard.store.events import events_after
from slipyard.store.tables import App, Build
from slipyard.store.transition import transition
from tests.unit.store.rows import NOW, add_app, add_build, saved_app

BUILDS, WORKERS = 12, 4


def in_threads(count, work):
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - a deadlock, a lost race: the test shows it
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_workers_and_people_who_cancel_never_wait_for_each_other_and_each_build_ends_once(database):
    with database.write() as session:
        app = add_app(session)
        ids = [add_build(session, app).id for _ in range(BUILDS)]
    won = Counter()

    def work(number):
        if number < WORKERS:
            work_through(database, f"worker-{number}", won)
        else:
            cancel_all(database, ids, won)

    in_threads(WORKERS + 1, work)
    work_through(database, "the last", won)
    with database.read() as session:
        assert all(is_terminal(session.get(Build, build_id).status) for build_id in ids)
        events = events_after(session, app.id, 0, 10_000)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    ends = Counter(event.data["build_id"] for event in events if event.kind != "build.running")
    assert ends == Counter(ids)
    assert won.total() == BUILDS


def work_through(database, name, won):
    while True:
        with database.read() as session:
            waiting = session.exec(select(Build).where(Build.status == BuildStatus.QUEUED)).all()
        if not waiting and all_over(database):
            return
        for build in waiting:
            run(database, build.id, name, won)


def run(database, build_id, name, won):
    with database.write() as session:
        claim = claim_build(session, build_id, name, NOW)
    if claim is None:
        return
    try:
        with database.write() as session:
            claims.require(session, claim)
            build = session.get(Build, build_id)
            transition(session, build, BuildStatus.SUCCEEDED, now=NOW, message="Built.", claim=claim.token)
        won[name] += 1
    except (StatusConflict, LeaseLost):
        pass  # cancelled meanwhile


def cancel_all(database, ids, won):
    for build_id in reversed(ids):
        try:
            with database.write() as session:
                build = session.get(Build, build_id)
                transition(session, build, BuildStatus.CANCELLED, now=NOW, message="Cancelled.", claim_token=None)
            won["cancelled"] += 1
        except StatusConflict:
            pass  # over, or claimed meanwhile


def all_over(database):
    with database.read() as session:
        return all(is_terminal(build.status) for build in session.exec(select(Build)))


def test_two_workers_that_claim_two_builds_of_an_app_at_once_get_one(database):
    with database.write() as session:
        app = add_app(session)
        ids = [add_build(session, app).id for _ in range(4)]
    start, claimed = threading.Barrier(4), []

    def claim(number):
        with database.write() as session:
            start.wait(20)
            claimed.append(claim_build(session, ids[number], f"worker-{number}", NOW))

    in_threads(4, claim)
    assert sum(claim is not None for claim in claimed) == 1


def test_counters_read_under_the_lock_lose_nothing(database):
    app = saved_app(database)

    def count(_):
        for _ in range(10):
            with database.write() as session:
                row = session.get(App, app.id, with_for_update=True)
                add_build(session, row, BuildStatus.FAILED)

    in_threads(6, count)
    with database.read() as session:
        assert session.get(App, app.id).last_build == 60
