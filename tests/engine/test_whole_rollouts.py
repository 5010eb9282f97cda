"""Each strategy on real containers behind a real router, while visitors ask without a pause."""

import time

import httpx

from tests.engine.lasting_connections import LastingStreams, LastingWebsockets, echoed, open_websocket
from tests.engine.long_requests import EventStream, SlowUpload
from tests.engine.rollout_app import CHECK, ask, go_live
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp
from tests.engine.whole_load import READ, SLOW, WRITE, Load

OK = httpx.codes.OK
DRAIN_SECONDS = 6
# Those that never get ready fail, the others go live and make trouble when they end.
MODES = ("slow to stop", "exits at once", "ignores SIGTERM", "exits after 1 s", "fine", "never ready")


def log_of(app: WholeApp, deployment: dict) -> str:
    with app.slipyard.client() as client:
        return client.get(f"/apps/{app.slug}/deployments/{deployment['id']}/log").raise_for_status().text


def test_good_and_bad_releases_and_ways_back_lose_no_request(whole_app: WholeApp) -> None:
    """The shorter form of `benchmarks/deploys_under_load.py`. Websockets and streams live as long as their instance may."""
    go_live(whole_app, rollout={"stop_seconds": 1, "drain_seconds": 2})
    numbers = {0}
    websockets, streams = LastingWebsockets(whole_app, 2), LastingStreams(whole_app, 2)

    with Load(whole_app, READ, WRITE, SLOW) as load, websockets, streams:
        for number in range(1, 13):
            mode = MODES[number % len(MODES)]
            good = mode in {"fine", "slow to stop", "ignores SIGTERM"}
            assert ask(whole_app, number, mode)["status"] == ("active" if good else "failed")
            numbers |= {number} if good else set()
            load.more()
            if number % 2 == 0:
                assert whole_app.post("rollback?wait=60", json={}).json()["status"] == "active"
                load.more()

    assert load.lost + websockets.lost + streams.lost == []
    assert load.texts == {f"release {number}" for number in numbers}
    assert websockets.texts <= load.texts
    assert min(websockets.count, streams.count) > 1, "they end with their release, and the next one takes them"


def test_three_replicas_are_rolled_one_by_one_and_lose_no_request(whole_app: WholeApp) -> None:
    go_live(whole_app, replicas=3, rollout={"max_surge": 1})

    with Load(whole_app, READ, WRITE, SLOW) as load:
        done = ask(whole_app, 1)
        load.more()

    said = log_of(whole_app, done)
    assert done["status"] == "active"
    assert "1 of 3 new instances serve beside 2 old ones." in said
    assert "2 of 3 new instances serve beside 1 old ones." in said
    assert load.lost == []
    assert load.texts == {"release 0", "release 1"}


def test_while_an_app_is_recreated_requests_wait_and_a_bad_release_gives_way(whole_app: WholeApp) -> None:
    go_live(whole_app, rollout={"strategy": "recreate"})

    with Load(whole_app, READ, WRITE) as load:
        done = ask(whole_app, 1)
        load.more()
        failed = ask(whole_app, 2, "exits at once")
        load.more()

    assert "requests wait up to 30 s" in log_of(whole_app, done)
    assert (done["status"], failed["status"]) == ("active", "failed")
    assert "exited with code 1" in failed["error"]
    assert load.lost == []
    assert load.texts == {"release 0", "release 1"}


def test_a_canary_that_answers_500_is_stopped_and_the_old_one_gets_everything_back(whole_app: WholeApp) -> None:
    go_live(whole_app, rollout={"strategy": "canary", "canary": {"steps": [25, 50], "seconds": 60}})

    with Load(whole_app, READ) as load:
        stopped = ask(whole_app, 1, "answers 500")
        before = load.seen.copy()
        load.more(40)

    assert stopped["status"] == "failed"
    assert "with a 5xx" in stopped["error"]
    errors, fine = load.seen[500, "release 1"], load.seen[OK, "release 0"]
    assert 0 < errors < fine
    # Those that were under way when the last slot was given back are in.
    assert (load.seen - before)[500, "release 1"] <= 4
    assert load.broken == []
    assert whole_app.text() == "release 0"


def test_a_canary_that_is_well_goes_live_step_by_step(whole_app: WholeApp) -> None:
    go_live(whole_app, rollout={"strategy": "canary", "canary": {"steps": [5, 50], "seconds": 2}})

    with Load(whole_app, READ, WRITE) as load:
        done = ask(whole_app, 1)
        load.more()

    assert done["status"] == "active"
    assert "5 % of the requests go to release 2 for 2 s." in log_of(whole_app, done)
    assert load.lost == []


def test_migrations_run_before_anything_starts_and_their_failure_leaves_the_old_release(whole_app: WholeApp) -> None:
    go_live(whole_app, release_command="python /app/server.py migrate")

    failed = ask(whole_app, 1, "migration fails")
    done = ask(whole_app, 2)

    assert failed["status"] == "failed"
    assert failed["error"] == "The release command exited with code 7."
    assert failed["log_tail"] == ["migrating release 1"]
    assert "  | migrating release 2" in log_of(whole_app, done)
    assert (done["status"], whole_app.text()) == ("active", "release 2")
    wait_until(lambda: all(each["slipyard.service"] == "web" for each in whole_app.container_labels()))


def test_the_healthcheck_of_an_image_keeps_a_bad_release_from_traffic(whole_app: WholeApp) -> None:
    whole_app.create(health_check={"start_period": 2})
    whole_app.push("one", SERVES + "HEALTHCHECK CMD test -f /www/index.html\n")

    whole_app.push("two", SERVES + "HEALTHCHECK CMD echo no disk; exit 5\n")

    failed, done = whole_app.deployments()
    assert (failed["status"], done["status"]) == ("failed", "active")
    assert "failed its health command with exit code 5: no disk" in failed["error"]
    assert whole_app.text() == "one"


def test_what_is_long_lives_through_a_deployment_until_the_drain_deadline(whole_app: WholeApp) -> None:
    """A websocket, a stream of events, and a body that comes slowly."""
    go_live(whole_app, rollout={"drain_seconds": DRAIN_SECONDS, "stop_seconds": 1}, health_check=CHECK)

    with open_websocket(whole_app) as websocket, EventStream(whole_app) as stream, SlowUpload(whole_app) as upload:
        assert echoed(websocket) == b"release 0: hello\n"
        asked = time.monotonic()
        assert ask(whole_app, 1)["status"] == "active"
        assert whole_app.text() == "release 1"
        wait_until(lambda: echoed(websocket) == b"")

    # An instance without requests ends after three looks, a second and a half.
    assert time.monotonic() - asked > DRAIN_SECONDS
    assert (stream.status, set(stream.events)) == (OK, {"release 0"})
    assert stream.ended_at is not None
    assert stream.ended_at - asked > DRAIN_SECONDS
    assert upload.broken is None
    assert upload.answer is not None
    assert upload.answer.status_code == OK
