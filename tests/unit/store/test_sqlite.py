"""What SQLite promises only with the right switches."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import select

from slipyard.domain.lifecycle import BuildStatus
from slipyard.domain.source import Source
from slipyard.store.events import events_after, record
from slipyard.store.tables import App, Build
from tests.unit.store.rows import NOW, add_app, add_build, saved_app

KILLED_IN_THE_MIDDLE = """
import sys
from sqlmodel import select
from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.database import Database
from slipyard.store.tables import Build
from slipyard.store.transition import transition
from tests.unit.store.rows import NOW, add_build
with Database(sys.argv[1]).write() as session:
    build = session.exec(select(Build)).one()
    transition(session, build, BuildStatus.RUNNING, now=NOW, message="never happened")
    for _ in range(5000):  # more than the page cache holds, so that pages reach the file before the commit
        session.execute(Build.__table__.update().values(error="x" * 2000))
    print("in the middle", flush=True)
    input()
"""


def test_an_open_read_does_not_block_writers_and_keeps_its_view(database):
    app = saved_app(database)
    with database.read() as reading:
        assert reading.get(App, app.id).name == "Shop"
        with database.write() as session:
            session.get(App, app.id).name = "Changed"
        assert reading.exec(select(App.name)).one() == "Shop"
    with database.read() as reading:
        assert reading.exec(select(App.name)).one() == "Changed"


def test_a_reader_cannot_write(database):
    with database.read() as session:
        session.add(App(id="app_x"))
        with pytest.raises(OperationalError, match="readonly"):
            session.flush()


def test_a_second_writer_waits_for_the_first_and_both_succeed(database):
    app = saved_app(database)
    holding, second_may_finish = threading.Event(), threading.Event()

    def write_second():
        holding.wait(20)
        with database.write() as session:
            record(session, app.id, "test", "second", now=NOW)
        second_may_finish.set()

    second = threading.Thread(target=write_second)
    second.start()
    with database.write() as session:
        record(session, app.id, "test", "first", now=NOW)
        holding.set()
        assert not second_may_finish.is_set()
    second.join(20)
    with database.read() as session:
        assert [event.message for event in events_after(session, app.id, 0)] == ["first", "second"]


def test_many_threads_each_with_a_session_of_its_own_lose_nothing(database):
    app = saved_app(database)

    def write():
        for _ in range(20):
            with database.write() as session:
                row = session.get(App, app.id)
                row.last_build += 1  # read, then written: only safe where the read is inside the lock
                record(session, app.id, "test", "counted", now=NOW)
            with database.read() as session:
                assert session.get(App, app.id) is not None

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.get(App, app.id).last_build == 160
        assert [event.sequence for event in events_after(session, app.id, 0, 1000)] == list(range(1, 161))


def test_rows_can_be_read_after_their_session_is_gone(database):
    app = saved_app(database)
    assert (app.slug, app.config.port, app.created_at) == ("shop", None, NOW)


async def test_a_change_that_raises_leaves_nothing(database):
    app = saved_app(database)

    def change(session):
        session.get(App, app.id).name = "Half"
        session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.writing(change)
    assert await database.reading(lambda session: session.get(App, app.id).name) == "Shop"


@pytest.mark.parametrize(("engine", "query_only"), [("writer", 0), ("reader", 1)])
def test_every_connection_has_the_right_switches(database, engine, query_only):
    with getattr(database, engine).connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("foreign_keys", "journal_mode", "query_only", "busy_timeout")
        }
    assert found == {"foreign_keys": 1, "journal_mode": "wal", "query_only": query_only, "busy_timeout": 15_000}


def test_what_is_accepted_survives_a_power_cut(database):
    with database.writer.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL: synced before commit returns


def test_a_row_cannot_point_to_nothing(database):
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.write() as session:
        session.add(Build(id="bld_1", app_id="app_none", number=1, source=Source(), status="queued", created_at=NOW))


def test_an_error_of_the_database_shows_no_values(database):
    with pytest.raises(IntegrityError) as refused, database.write() as session:
        session.add(App(id="hunter2"))
    assert "hunter2" not in str(refused.value)


def test_a_row_that_others_need_cannot_go(database):
    with database.write() as session:
        build = add_build(session, add_app(session))
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), database.write() as session:
        session.execute(text("DELETE FROM app"))
    with database.read() as session:
        assert session.get(Build, build.id) is not None


def test_a_process_killed_in_the_middle_of_a_transaction_leaves_the_database_whole(database):
    with database.write() as session:
        build = add_build(session, add_app(session))
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    program = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, database.url.render_as_string()]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout.readline() == b"in the middle\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    with database.write() as session:
        assert session.get(Build, build.id).status is BuildStatus.QUEUED
        assert session.get(Build, build.id).error is None
        record(session, build.app_id, "test", "goes on", now=NOW)
        assert session.get(App, build.app_id).last_event == 1
    with sqlite3.connect(str(database.url.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
