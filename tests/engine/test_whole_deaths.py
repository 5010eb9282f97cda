"""SIGKILL at any step, Redis killed and flushed, the machine gone and back: one end, one set of containers, an app that answers."""

import json
import os
import secrets
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import redis

from slipyard.store.claims import Holder
from tests.engine.installation import Installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp

SLOW_BUILD = "RUN sleep 3 && echo {token}\n"
SLOW_START = "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /www/\nCMD sleep 4; exec httpd -f -p $PORT -h /www\n"


def holder_of(home: Path, table: str) -> Holder | None:
    """The process that works on the newest row of `build` or `deployment`."""
    with closing(sqlite3.connect(f"file:{home}/slipyard.db?mode=ro", uri=True)) as database:
        row = database.execute(f"SELECT claim_holder FROM {table} ORDER BY id DESC LIMIT 1").fetchone()
    return Holder.parse(row[0]) if row and row[0] else None


def status_of(home: Path, table: str) -> str:
    with closing(sqlite3.connect(f"file:{home}/slipyard.db?mode=ro", uri=True)) as database:
        row = database.execute(f"SELECT status FROM {table} ORDER BY id DESC LIMIT 1").fetchone()
    return row[0] if row else ""


def kill_holder(home: Path, table: str, when: Callable[[], bool]) -> None:
    wait_until(when)
    os.kill(wait_until(lambda: holder_of(home, table)).pid, signal.SIGKILL)


def assert_one_end(app: WholeApp, text: str) -> None:
    rows = app.wait_settled()
    assert rows[0]["status"] == "active", rows[0]
    assert len(app.container_labels()) == 1
    assert app.text() == text


def test_killed_during_the_build(own_app: WholeApp) -> None:
    home = own_app.slipyard.home
    own_app.push_detached("one", SERVES + SLOW_BUILD.format(token=secrets.token_hex(4)))

    kill_holder(home, "build", lambda: status_of(home, "build") == "running")

    assert_one_end(own_app, "one")


@pytest.mark.parametrize("status", ["deploying", "verifying"])
def test_killed_during_the_rollout(own_app: WholeApp, status: str) -> None:
    home = own_app.slipyard.home
    own_app.push("one")
    own_app.push_detached("two", SLOW_START)

    kill_holder(home, "deployment", lambda: status_of(home, "deployment") in {status, "verifying"})

    assert own_app.text() == "one", "the old release serves on"
    assert_one_end(own_app, "two")


def test_the_controller_and_the_api_killed(own_app: WholeApp) -> None:
    own_app.push("one")
    for name in ("slipyard-contro", "slipyard-api"):
        os.kill(part_of(own_app.slipyard, name), signal.SIGKILL)

    assert own_app.text() == "one"
    own_app.slipyard.wait(lambda: pushes(own_app, "two"))
    assert_one_end(own_app, "two")


@pytest.mark.parametrize("harm", ["killed", "flushed"])
def test_redis_killed_and_flushed_with_work_queued(own_app: WholeApp, harm: str) -> None:
    home = own_app.slipyard.home
    own_app.push_detached("one", SERVES + SLOW_BUILD.format(token=secrets.token_hex(4)))
    if harm == "killed":
        os.kill(json.loads((home / "run" / "redis.pid").read_text())["pid"], signal.SIGKILL)
    own_app.push_detached("two")
    if harm == "flushed":
        redis.Redis(unix_socket_path=str(home / "run" / "redis.sock")).flushall()

    assert_one_end(own_app, "two")


def test_apps_answer_while_slipyard_is_down_and_it_comes_back_to_them(own_app: WholeApp) -> None:
    own_app.push("one")

    own_app.slipyard.slipyard("down")
    assert own_app.text() == "one"
    own_app.slipyard.slipyard("up", "--detach")

    own_app.push("two")
    assert own_app.text() == "two"


def part_of(installation: Installation, name: str) -> int:
    """The process id of a part, found by its name and the directory that it works for."""
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal() and _is_part(directory, installation, name):
            return int(directory.name)
    raise AssertionError(f"{name} does not run")


def _is_part(directory: Path, installation: Installation, name: str) -> bool:
    try:
        comm = (directory / "comm").read_text().strip()
        environment = (directory / "environ").read_bytes()
    except OSError:
        return False
    return comm == name and f"SLIPYARD_HOME={installation.home}\0".encode() in environment


def pushes(app: WholeApp, text: str) -> bool:
    """The api comes back by itself; until then git is refused."""
    try:
        app.push(text)
    except AssertionError:
        return False
    return True
