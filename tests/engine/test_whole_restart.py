"""Slipyard comes and goes, parts of it die, the machine reboots: apps answer, and at the same addresses."""

import os
import secrets
import signal
from contextlib import closing

import docker

from slipyard.cli.up.service import SERVICE_NAMES
from tests.engine.installation import Installation
from tests.engine.kills import part_of, service_of
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp


def test_the_api_and_the_controller_come_back_by_themselves(own_app: WholeApp) -> None:
    own_app.push("one")
    for name in ("slipyard-contro", "slipyard-api"):
        os.kill(part_of(own_app.slipyard, name), signal.SIGKILL)
    assert own_app.text() == "one"

    wait_until(lambda: pushes(own_app, "two"))

    assert own_app.wait_settled()[0]["status"] == "active"
    assert own_app.text() == "two"


def test_apps_answer_while_slipyard_is_down_and_it_comes_back_to_them(own_app: WholeApp) -> None:
    own_app.push("one")
    container, caddy = own_app.container_ids(), service_of(own_app.slipyard, "caddy")

    own_app.slipyard.slipyard("down")
    assert own_app.text() == "one"
    own_app.slipyard.slipyard("up", "--detach")

    assert own_app.text() == "one"
    assert service_of(own_app.slipyard, "caddy") == caddy, "it was adopted"
    assert own_app.container_ids() == container, "the app was not touched"
    own_app.push("two")
    assert own_app.text() == "two"


def test_a_build_that_ran_when_slipyard_went_down_is_taken_up(own_app: WholeApp) -> None:
    own_app.push("one")
    deployment = own_app.push_detached("two", SERVES + f"RUN sleep 3 && echo {secrets.token_hex(4)}\n")
    own_app.wait_status(deployment, "building")

    own_app.slipyard.slipyard("down")
    own_app.slipyard.slipyard("up", "--detach")

    own_app.wait_status(deployment, "active")
    assert own_app.text() == "two"


def test_what_was_live_serves_again_after_a_reboot(own_app: WholeApp) -> None:
    """All processes die at once and no container runs: what a machine looks like that comes up again."""
    own_app.push("one")
    before = own_app.addresses()

    kill_everything(own_app)
    own_app.slipyard.slipyard("up", "--detach")

    wait_until(lambda: own_app.slipyard.answer(own_app.slug).text == "one")
    assert own_app.addresses() == before
    assert own_app.wait_settled()[0]["status"] == "active"
    own_app.push("two")
    assert own_app.text() == "two"


def kill_everything(app: WholeApp) -> None:
    containers = app.container_ids()
    os.kill(part_of(app.slipyard, "slipyard"), signal.SIGKILL)
    wait_until(lambda: not is_up(app.slipyard))
    for name in SERVICE_NAMES:
        service = service_of(app.slipyard, name)
        service.send(signal.SIGKILL)
        wait_until(lambda service=service: not service.is_running())
    with closing(docker.from_env()) as engine:
        for container in containers:
            engine.api.kill(container)


def is_up(slipyard: Installation) -> bool:
    """Whether any part of it still runs: they end with their supervisor."""
    for name in ("slipyard", "slipyard-api", "slipyard-contro"):
        try:
            part_of(slipyard, name)
        except AssertionError:
            continue
        return True
    return False


def pushes(app: WholeApp, text: str) -> bool:
    """The api comes back by itself; until then git is refused."""
    try:
        app.push(text)
    except AssertionError:
        return False
    return True
