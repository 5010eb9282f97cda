import os
import subprocess
import sys

import pytest
from sqlalchemy.exc import IntegrityError

from slipyard.domain.errors import LeaseLost
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, is_terminal
from slipyard.store import claims
from slipyard.store.claims import Holder, claim_build, claim_deployment, numbering, process_start
from slipyard.store.tables import Build, Deployment
from tests.unit.store.rows import NOW, add_app, add_build, add_deployment, add_release


def test_a_build_that_somebody_holds_is_not_given_to_another(database):
    with database.write() as session:
        build = add_build(session, add_app(session))
        assert claim_build(session, build.id, "one", NOW) is not None
        assert claim_build(session, build.id, "two", NOW) is None
        assert build.claim_holder == "one"


@pytest.mark.parametrize("status", [status for status in BuildStatus if is_terminal(status)])
def test_a_build_that_is_over_is_not_claimed(database, status):
    with database.write() as session:
        build = add_build(session, add_app(session), status)
        assert claim_build(session, build.id, "one", NOW) is None


def test_nobody_claims_what_is_not_there(database):
    with database.write() as session:
        assert claim_build(session, "bld_none", "one", NOW) is None
        assert claim_deployment(session, "dep_none", "one", NOW) is None


def test_one_build_of_an_app_runs_at_a_time_and_other_apps_do_not_wait(database):
    with database.write() as session:
        app = add_app(session)
        first, second = add_build(session, app), add_build(session, app)
        elsewhere = add_build(session, add_app(session, "elsewhere"))
        assert claim_build(session, first.id, "one", NOW)
        assert claim_build(session, second.id, "two", NOW) is None
        assert claim_build(session, elsewhere.id, "two", NOW)


def test_the_database_itself_refuses_a_second_running_build(database):
    with database.write() as session:
        app = add_app(session)
        add_build(session, app, BuildStatus.RUNNING)
        with pytest.raises(IntegrityError), session.begin_nested():
            add_build(session, app, BuildStatus.RUNNING)


@pytest.mark.parametrize("status", [DeploymentStatus.ACTIVE, DeploymentStatus.DEPLOYING, DeploymentStatus.VERIFYING])
def test_the_database_itself_refuses_a_second_live_deployment(database, status):
    with database.write() as session:
        app = add_app(session)
        add_deployment(session, app, status)
        with pytest.raises(IntegrityError), session.begin_nested():
            add_deployment(session, app, status)


def test_a_lost_claim_is_taken_over_as_the_next_attempt_and_the_old_holder_stops(database):
    with database.write() as session:
        build = add_build(session, add_app(session))
        lost = claim_build(session, build.id, "one", NOW)
        assert claims.take_away(session, Build, build.id, lost.token)
        taken = claim_build(session, build.id, "two", NOW)
    assert (lost.attempt, taken.attempt) == (1, 2)
    with pytest.raises(LeaseLost), database.write() as session:
        claims.beat(session, lost)
    with pytest.raises(LeaseLost), database.write() as session:
        claims.require(session, lost)
    with database.write() as session:
        claims.release(session, lost)
        claims.beat(session, taken)
        assert not claims.take_away(session, Build, build.id, lost.token)
        assert session.get(Build, build.id).claim_token == taken.token


def test_a_heartbeat_moves_the_counter_that_others_watch(database):
    with database.write() as session:
        deployment = add_deployment(session, add_app(session), image="nginx:1")
        claim = claim_deployment(session, deployment.id, "one", NOW)
        before = deployment.heartbeat
        claims.beat(session, claim)
    with database.read() as session:
        assert session.get(Deployment, deployment.id).heartbeat == before + 1


def test_work_that_was_given_back_is_resumed_in_its_status(database):
    with database.write() as session:
        deployment = add_deployment(session, add_app(session), DeploymentStatus.VERIFYING, attempt=1)
        claim = claim_deployment(session, deployment.id, "one", NOW)
        claims.release(session, claim)
        again = claim_deployment(session, deployment.id, "two", NOW)
        assert again.attempt == 3
        assert deployment.status is DeploymentStatus.VERIFYING


def test_a_deployment_waits_for_its_build_and_for_its_turn(database):
    with database.write() as session:
        app = add_app(session)
        nothing_yet = add_deployment(session, app)
        building = add_deployment(session, app, DeploymentStatus.BUILDING)
        first = add_deployment(session, app, release_id=add_release(session, app).id)
        second = add_deployment(session, app, image="nginx:1")
        assert claim_deployment(session, nothing_yet.id, "one", NOW) is None
        assert claim_deployment(session, building.id, "one", NOW) is None
        assert claim_deployment(session, first.id, "one", NOW)
        assert claim_deployment(session, second.id, "two", NOW) is None


def test_a_process_is_told_from_a_later_one_with_the_same_number():
    me = Holder.me()
    assert Holder.parse(str(me)) == me
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert process_start(other.pid) not in {None, process_start(os.getpid())}
        number = other.pid
        other.communicate(b"\n")
    assert process_start(number) is None


def test_a_container_with_the_machines_name_counts_processes_for_itself():
    machine, one, another = (numbering("host", namespace) for namespace in (0xEFFFFFFC, 4026532001, 4026532002))
    assert machine == "host"
    assert len({machine, one, another}) == 3
    assert Holder.parse(str(Holder(one, 7, "1"))) == Holder(one, 7, "1")
