"""SIGKILL of the worker at each step: the work is taken up, ends once, leaves one container, and the app answers."""

import os
import secrets
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from slipyard.domain.layout import Layout
from tests.engine.git_hosts import Repository as HostedRepository
from tests.engine.git_hosts import http_host
from tests.engine.kills import (
    intended_for,
    kill_holder,
    newest,
    no_route_switches,
    no_rows_written,
    part_of,
    service_of,
)
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp

SLOW_START = "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /www/\nCMD sleep 4; exec httpd -f -p $PORT -h /www\n"


def slow_build() -> str:
    """Three seconds that no cache has."""
    return SERVES + f"RUN sleep 3 && echo {secrets.token_hex(4)}\n"


def assert_one_end(app: WholeApp, text: str) -> None:
    rows = app.wait_settled()
    assert rows[0]["status"] == "active", rows[0]
    assert [row["status"] for row in rows].count("active") == 1
    assert len(app.container_labels()) == 1
    assert app.text() == text


def test_killed_during_the_fetch(own_app: WholeApp, tmp_path: Path) -> None:
    home, root = own_app.slipyard.home, tmp_path / "hosted"
    root.mkdir()
    hosted = HostedRepository.make(root)
    hosted.commit({"Dockerfile": SERVES.encode(), "index.html": b"one"})

    with http_host(root) as host:
        host.held = threading.Event()
        own_app.create(repo_url=host.url())
        kill_holder(home, "build", lambda: host.requests)
        host.held.set()

        assert_one_end(own_app, "one")
    assert newest(home, "build")["attempt"] == 2


def test_killed_during_the_build(own_app: WholeApp) -> None:
    home = own_app.slipyard.home
    own_app.push("one")
    own_app.push_detached("two", slow_build())

    kill_holder(home, "build", lambda: "sleep 3" in build_log(own_app))

    assert own_app.text() == "one", "the old release serves on"
    assert_one_end(own_app, "two")
    assert newest(home, "build")["attempt"] == 2


@pytest.mark.parametrize("step", ["deploying", "verifying"])
def test_killed_while_the_new_release_starts(own_app: WholeApp, step: str) -> None:
    home = own_app.slipyard.home
    own_app.push("one")
    own_app.push_detached("two", SLOW_START)

    kill_holder(home, "deployment", lambda: newest(home, "deployment")["status"] in {step, "verifying"})

    assert own_app.text() == "one", "the old release serves on"
    assert_one_end(own_app, "two")
    assert newest(home, "deployment")["attempt"] == 2


def test_killed_between_the_intent_and_the_switch(own_app: WholeApp) -> None:
    home = own_app.slipyard.home
    own_app.push("one")

    with no_route_switches(home):
        second = own_app.push_detached("two")
        kill_holder(home, "deployment", lambda: intended_for(home) == second["id"])
        assert own_app.text() == "one"

    assert_one_end(own_app, "two")
    assert newest(home, "deployment")["attempt"] == 2


def test_killed_between_the_switch_and_the_word_that_it_is_done(own_app: WholeApp) -> None:
    home = own_app.slipyard.home
    own_app.push("one")

    with ExitStack() as held:
        with no_route_switches(home):
            second = own_app.push_detached("two")
            wait_until(lambda: intended_for(home) == second["id"])
            held.enter_context(no_rows_written(home))
        kill_holder(home, "deployment", lambda: own_app.text() == "two")

    assert_one_end(own_app, "two")
    assert newest(home, "deployment")["attempt"] == 2


def test_the_controller_killed_while_it_publishes(own_app: WholeApp) -> None:
    """The registry stands still in the middle of the push; the app is live all the same."""
    home, registry = own_app.slipyard.home, service_of(own_app.slipyard, "registry")
    registry.send(signal.SIGSTOP)
    try:
        own_app.push("one")
        os.kill(part_of(own_app.slipyard, "slipyard-api"), signal.SIGKILL)
        assert own_app.text() == "one"
        assert newest(home, "build")["published_at"] is None
    finally:
        registry.send(signal.SIGCONT)

    wait_until(lambda: newest(home, "build")["published_at"])
    assert newest(home, "build")["manifest_digest"].startswith("sha256:")
    assert_one_end(own_app, "one")


def build_log(app: WholeApp) -> str:
    build = newest(app.slipyard.home, "build")
    log = Layout(app.slipyard.home).build_log(build["id"])
    return log.read_text() if log.exists() else ""
