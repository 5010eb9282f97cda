from itertools import pairwise

import pytest
from sqlmodel import select

from slipyard.domain.errors import LeaseLost, StatusConflict
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus, is_terminal, moves_from
from slipyard.store.events import events_after
from slipyard.store.tables import App, Build, Deployment
from slipyard.store.transition import transition
from tests.unit.store.rows import NOW, add_app, add_build, add_deployment, add_instance, add_release

EVERY_STATUS = [*BuildStatus, *DeploymentStatus, *InstanceStatus]


def add_row(session, status):
    app = add_app(session)
    if isinstance(status, BuildStatus):
        return add_build(session, app, status)
    release = add_release(session, app)
    if isinstance(status, DeploymentStatus):
        return add_deployment(session, app, status, release_id=release.id)
    deployment = add_deployment(session, app, DeploymentStatus.ACTIVE, release_id=release.id)
    return add_instance(session, deployment, status)


@pytest.mark.parametrize("status", [status for status in EVERY_STATUS if is_terminal(status)], ids=repr)
def test_a_terminal_status_never_changes(database, status):
    with database.write() as session:
        row = add_row(session, status)
        for other in type(status):
            with pytest.raises(StatusConflict, match="never becomes"):
                transition(session, row, other, now=NOW, message="moved")
        assert row.status is status
        assert events_after(session, row.app_id, 0) == []


@pytest.mark.parametrize("status", EVERY_STATUS, ids=repr)
def test_only_the_moves_of_the_table_are_made(database, status):
    with database.write() as session:
        row = add_row(session, status)
        for other in set(type(status)) - moves_from(status):
            with pytest.raises(StatusConflict):
                transition(session, row, other, now=NOW, message="moved")


@pytest.mark.parametrize(
    ("status", "to"), [(status, to) for status in EVERY_STATUS for to in sorted(moves_from(status))], ids=str
)
def test_every_move_of_the_table_is_made_and_told(database, status, to):
    with database.write() as session:
        row = add_row(session, status)
        transition(session, row, to, now=NOW, message="It moved.")
        app_id, kind = row.app_id, type(row)
    with database.read() as session:
        assert session.get(kind, row.id).status is to
        [event] = events_after(session, app_id, 0)
        assert (event.sequence, event.kind, event.message) == (1, f"{kind.__name__.lower()}.{to}", "It moved.")


def test_of_two_who_read_the_same_status_one_is_refused(database):
    with database.write() as session:
        row = add_row(session, BuildStatus.RUNNING)
    with database.read() as session:
        stale = session.get(Build, row.id)
    with database.write() as session:
        transition(session, session.get(Build, row.id), BuildStatus.SUCCEEDED, now=NOW, message="Built.")
    with pytest.raises(StatusConflict, match="another process changed it"), database.write() as session:
        transition(session, stale, BuildStatus.FAILED, now=NOW, message="Failed.")
    with database.read() as session:
        assert session.get(Build, row.id).status is BuildStatus.SUCCEEDED


def test_a_worker_whose_claim_was_taken_over_writes_nothing(database):
    with database.write() as session:
        row = add_build(session, add_app(session), BuildStatus.RUNNING, claim_token="of-another")
    with pytest.raises(LeaseLost), database.write() as session:
        transition(session, row, BuildStatus.SUCCEEDED, now=NOW, message="x", claim="of-mine", image_id="late")
    with database.read() as session:
        assert session.get(Build, row.id).status is BuildStatus.RUNNING
        assert session.get(Build, row.id).image_id is None
        assert events_after(session, row.app_id, 0) == []


def test_columns_change_in_the_same_commit_as_the_status(database):
    with database.write() as session:
        row = add_row(session, DeploymentStatus.DEPLOYING)
        transition(session, row, DeploymentStatus.FAILED, now=NOW, message="x", error="It crashed.", finished_at=NOW)
        assert (row.status, row.error, row.finished_at) == (DeploymentStatus.FAILED, "It crashed.", NOW)


def test_a_move_that_is_not_committed_leaves_no_number_behind(database):
    with database.write() as session:
        row = add_row(session, BuildStatus.QUEUED)

    def crash_after_the_move(session):
        transition(session, session.get(Build, row.id), BuildStatus.RUNNING, now=NOW, message="lost")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database._write(crash_after_the_move)
    with database.write() as session:
        transition(session, session.get(Build, row.id), BuildStatus.CANCELLED, now=NOW, message="kept")
    with database.read() as session:
        assert [(event.sequence, event.message) for event in events_after(session, row.app_id, 0)] == [(1, "kept")]
        assert session.exec(select(App.last_event)).one() == 1


def test_events_are_numbered_by_app_without_gaps(database):
    with database.write() as session:
        first, second = add_app(session, "first"), add_app(session, "second")
        for app in (first, second, first):
            row = add_deployment(session, app)
            transition(session, row, DeploymentStatus.DEPLOYING, now=NOW, message="begins")
            transition(session, row, DeploymentStatus.FAILED, now=NOW, message="ends")
    with database.read() as session:
        for app, count in ((first, 4), (second, 2)):
            numbers = [event.sequence for event in events_after(session, app.id, 0)]
            assert numbers[0] == 1
            assert len(numbers) == count
            assert all(after == before + 1 for before, after in pairwise(numbers))
        assert [event.sequence for event in events_after(session, first.id, 3)] == [4]
        assert len(session.exec(select(Deployment)).all()) == 3
