"""The queue is only a wake-up: what waits in it when Redis dies or forgets everything goes live all the same."""

import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from tests.engine.installation import Installation
from tests.engine.kills import service_of
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp, new_app
from tests.flow.repository import Repository

APPS = 3


@pytest.fixture
def apps(own_slipyard: Installation, tmp_path: Path) -> Iterator[list[WholeApp]]:
    apps = [new_app(own_slipyard, Repository(tmp_path / f"work-{number}"), "queued") for number in range(APPS)]
    yield apps
    for app in apps:
        app.delete()


def test_killed_with_work_queued(own_slipyard: Installation, apps: list[WholeApp]) -> None:
    before = service_of(own_slipyard, "redis")
    push_all(apps)
    assert some_wait(apps)

    before.send(signal.SIGKILL)

    assert_all_live(apps)
    wait_until(lambda: answers(own_slipyard))
    assert service_of(own_slipyard, "redis") != before


def test_flushed_with_work_queued(own_slipyard: Installation, apps: list[WholeApp]) -> None:
    push_all(apps)
    assert some_wait(apps)

    with connection(own_slipyard) as queue:
        queue.flushall()

    assert_all_live(apps)


def test_killed_between_two_pushes_to_one_app(own_app: WholeApp) -> None:
    own_app.push_detached("one", slow_build())
    service_of(own_app.slipyard, "redis").send(signal.SIGKILL)

    own_app.push_detached("two")

    rows = own_app.wait_settled()
    assert (rows[0]["status"], rows[0]["title"]) == ("active", "two")
    assert own_app.text() == "two"


def push_all(apps: list[WholeApp]) -> None:
    """Builds of three seconds that no cache has: most of them wait."""
    with ThreadPoolExecutor(APPS) as pool:
        list(pool.map(lambda app: app.push_detached(app.slug, slow_build()), apps))


def slow_build() -> str:
    return SERVES + f"RUN sleep 3 && echo {secrets.token_hex(4)}\n"


def some_wait(apps: list[WholeApp]) -> bool:
    return any(app.builds()[0]["status"] == "queued" for app in apps)


def assert_all_live(apps: list[WholeApp]) -> None:
    for app in apps:
        assert [row["status"] for row in app.wait_settled()] == ["active"]
        assert app.text() == app.slug


def connection(slipyard: Installation) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(slipyard.home / "run" / "redis.sock"))


def answers(slipyard: Installation) -> bool:
    try:
        with connection(slipyard) as queue:
            return queue.ping()
    except redis.ConnectionError:
        return False
