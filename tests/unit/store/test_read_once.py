"""What a transaction reads of the database: counts, since people wait for it."""

import gc

from sqlalchemy import event

from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.events import record
from slipyard.store.tables import App, Build, Release
from slipyard.store.transition import transition
from tests.unit.store.rows import NOW, add_app, add_build, add_release


def statements_on(engine):
    found = []
    event.listen(engine, "before_cursor_execute", lambda *given: found.append(given[2]))
    return found


def test_the_steps_of_a_transaction_read_a_release_once(database):
    with database.write() as session:
        release_id = add_release(session, add_app(session)).id
    said = statements_on(database.reader)
    with database.read() as session:
        for _ in range(3):
            assert session.get_one(Release, release_id).config.services
            gc.collect()
    assert sum("FROM release" in each for each in said) == 1


def test_a_session_holds_few_releases(database):
    """A pass over all apps reads thousands of them."""
    with database.write() as session:
        app = add_app(session)
        ids = [add_release(session, app, f"image{number}").id for number in range(30)]
    with database.read() as session:
        for release_id in ids:
            session.get_one(Release, release_id)
        gc.collect()
        assert len(session.identity_map) < 20


def test_a_move_asks_for_no_row_that_it_has(database):
    with database.write() as session:
        build = add_build(session, add_app(session))
    said = statements_on(database.writer)
    with database.write() as session:
        row = session.get_one(Build, build.id)
        del said[:]
        transition(session, row, BuildStatus.RUNNING, now=NOW, message="Build started.", started_at=NOW)
        assert (row.status, row.started_at) == (BuildStatus.RUNNING, NOW)
    assert [each.split()[0] for each in said] == ["UPDATE", "UPDATE", "INSERT"]


def test_a_move_shows_what_others_wrote_in_the_row_meanwhile(database):
    with database.write() as session:
        build = add_build(session, add_app(session))
    with database.write() as session:
        row = session.get_one(Build, build.id)
        session.connection().exec_driver_sql("UPDATE build SET error = 'of another'")
        transition(session, row, BuildStatus.RUNNING, now=NOW, message="Build started.")
        assert row.error == "of another"


def test_who_has_the_app_at_hand_sees_its_last_event(database):
    with database.write() as session:
        app = add_app(session)
    with database.write() as session:
        row = session.get_one(App, app.id)
        record(session, app.id, "test", "told", now=NOW)
        assert row.last_event == 1
        assert row not in session.dirty
