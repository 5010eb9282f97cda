"""Whatever several workers, people and crashes do to one app, in whatever order, these stay true."""

import atexit
import shutil
import tempfile
from contextlib import contextmanager, suppress
from functools import cache
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel, select

from slipyard.domain.errors import LeaseLost, StatusConflict
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus, is_terminal, moves_from
from slipyard.store import claims
from slipyard.store.claims import claim_build, claim_deployment
from slipyard.store.database import Database, sqlite_url
from slipyard.store.events import events_after
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.schema import bring_up_to_date
from slipyard.store.tables import App, Build, Deployment, Instance
from slipyard.store.transition import transition
from tests.unit.store.rows import NOW, add_app, add_build, add_deployment, add_instance, add_release

STATUSES = {Build: BuildStatus, Deployment: DeploymentStatus, Instance: InstanceStatus}
WORKERS = st.sampled_from(["one", "two", "three"])


class Crash(Exception):
    pass


@contextmanager
def suppressed(database):
    with suppress(Crash), database.write() as session:
        yield session
        raise Crash


def prepared(url):
    bring_up_to_date(url, Path("unused: a new database needs no copy"))
    return Database(url)


class AnyOrder(RuleBasedStateMachine):
    rows, held = Bundle("rows"), Bundle("held")

    def __init__(self):
        super().__init__()
        self.database = self.shared_database()
        self.history, self.attempts = {}, {}

    @staticmethod
    @cache
    def shared_database():
        directory = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, directory)
        return prepared(sqlite_url(directory / "slipyard.db"))

    def writing(self, crash):
        """A transaction, or one whose process dies before its commit."""
        return suppressed(self.database) if crash else self.database.write()

    @initialize()
    def an_app(self):
        with self.database.write() as session:
            for table in reversed(SQLModel.metadata.sorted_tables):
                session.execute(table.delete())
            app = add_app(session)
            self.app_id, self.release_id = app.id, add_release(session, app).id

    @rule(target=rows)
    def somebody_asks_for_a_build(self):
        with self.database.write() as session:
            return Build, add_build(session, session.get(App, self.app_id)).id

    @rule(target=rows, ready=st.booleans())
    def somebody_asks_for_a_deployment(self, ready):
        with self.database.write() as session:
            app = session.get(App, self.app_id)
            return Deployment, add_deployment(session, app, release_id=self.release_id if ready else None).id

    @rule(target=rows, row=rows)
    def an_instance_is_planned(self, row):
        if row[0] is not Deployment:
            return multiple()
        with self.database.write() as session:
            deployment = session.get(Deployment, row[1])
            deployment.release_id = self.release_id
            return Instance, add_instance(session, deployment, InstanceStatus.PLANNED).id

    @rule(target=held, row=rows, worker=WORKERS, crash=st.booleans())
    def a_worker_claims(self, row, worker, crash):
        claim_row = {Build: claim_build, Deployment: claim_deployment}.get(row[0])
        if claim_row is None:
            return multiple()
        with self.writing(crash) as session:
            claim = claim_row(session, row[1], worker, NOW)
        if claim is None or crash:
            return multiple()
        assert claim.attempt > self.attempts.get(claim.id, 0)
        self.attempts[claim.id] = claim.attempt
        return claim

    @rule(claim=held)
    def a_lease_is_lost(self, claim):
        with self.database.write() as session:
            claims.take_away(session, claim.kind, claim.id, claim.token)

    @rule(claim=held)
    def a_worker_shows_that_it_lives(self, claim):
        held = self.read(claim.kind, claim.id).claim_token == claim.token
        try:
            with self.database.write() as session:
                claims.beat(session, claim)
        except LeaseLost:
            assert not held
        else:
            assert held

    @rule(claim=held, choice=st.integers(0, 5), crash=st.booleans())
    def a_worker_goes_on(self, claim, choice, crash):
        row = self.read(claim.kind, claim.id)
        moves = sorted(moves_from(row.status))
        to = moves[choice % len(moves)] if moves else row.status
        if not moves or self.would_be_the_second(row, to):
            return
        try:
            with self.writing(crash) as session:
                claims.require(session, claim)
                self.move(session, (claim.kind, claim.id, row.status), to, claim.token)
        except LeaseLost:
            assert row.claim_token != claim.token
        else:
            assert row.claim_token == claim.token

    @rule(row=rows, seen=st.integers(0, 3), choice=st.integers(0, 9), crash=st.booleans())
    def somebody_asks_for_any_move(self, row, seen, choice, crash):
        """Having looked at it some time before, when it may have been in another status."""
        kind, row_id = row
        known = self.history[row_id]
        status = known[seen % len(known)]
        to = list(STATUSES[kind])[choice % len(STATUSES[kind])]
        current = self.read(kind, row_id)
        allowed = to in moves_from(status) and current.status is status
        if allowed and self.would_be_the_second(current, to):
            return
        try:
            with self.writing(crash) as session:
                self.move(session, (kind, row_id, status), to, None)
        except StatusConflict:
            assert not allowed
        else:
            assert allowed

    def move(self, session, seen, to, token):
        kind, row_id, status = seen
        row = session.get(kind, row_id)
        set_committed_value(row, "status", status)
        transition(session, row, to, now=NOW, message=f"{to}", claim=token)

    def would_be_the_second(self, row, to):
        """What the callers prevent: the next one becomes live after, or with, the end of the one before."""
        alone = next(
            (group for group in ({BuildStatus.RUNNING}, set(AT_WORK), {DeploymentStatus.ACTIVE}) if to in group), set()
        )
        return any(other.status in alone and other.id != row.id for other in self.all_rows())

    def read(self, kind, row_id):
        with self.database.read() as session:
            return session.get(kind, row_id)

    def all_rows(self):
        with self.database.read() as session:
            return [row for kind in STATUSES for row in session.exec(select(kind))]

    @invariant()
    def a_terminal_status_never_changes(self):
        for row in self.all_rows():
            known = self.history.setdefault(row.id, [row.status])
            assert not is_terminal(known[-1]) or known[-1] is row.status
            if known[-1] is not row.status:
                known.append(row.status)

    @invariant()
    def at_most_one_is_live(self):
        statuses = [row.status for row in self.all_rows()]
        assert statuses.count(BuildStatus.RUNNING) <= 1
        assert statuses.count(DeploymentStatus.ACTIVE) <= 1
        assert sum(status in AT_WORK for status in statuses) <= 1

    @invariant()
    def events_have_no_gaps_and_tell_only_legal_moves_that_happened(self):
        with self.database.read() as session:
            events = events_after(session, self.app_id, 0, 10_000)
            last = session.exec(select(App.last_event)).one()
        assert [event.sequence for event in events] == list(range(1, last + 1))
        for row in self.all_rows():
            noun, statuses = type(row).__name__.lower(), STATUSES[type(row)]
            told = [statuses(event.kind.split(".")[1]) for event in events if event.data.get(f"{noun}_id") == row.id]
            path = [next(iter(statuses)), *told]
            assert path[-1] is row.status
            assert all(after in moves_from(before) for before, after in pairwise(path))


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
