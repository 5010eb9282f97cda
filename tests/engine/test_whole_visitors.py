"""Whatever dies of Slipyard, visitors of an app notice nothing; after a power failure every app is as it was meant to be."""

from pathlib import Path

import httpx

from slipyard.cli.up.identity import Identity
from slipyard.cli.up.parts import parts_of as parts_by_settings
from slipyard.domain.settings import Settings
from tests.engine.installation import Installation
from tests.engine.kills import kill, part_of, power_failure, service_of, services_of, supervisor_of
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.engine.whole_load import Load
from tests.flow.repository import Repository


def test_while_slipyard_goes_down_and_comes_back(own_app: WholeApp) -> None:
    slipyard = own_app.slipyard
    own_app.push("one")
    container, caddy = own_app.container_ids(), service_of(slipyard, "caddy")

    with Load(own_app) as load:
        slipyard.slipyard("down")
        load.more()
        slipyard.slipyard("up", "--detach")
        load.more()

    assert load.lost == []
    assert service_of(slipyard, "caddy") == caddy, "it was adopted"
    assert own_app.container_ids() == container, "the app was not touched"
    own_app.push("two")
    assert own_app.text() == "two"


def test_while_the_supervisor_is_killed_and_takes_its_parts_along(own_app: WholeApp) -> None:
    slipyard = own_app.slipyard
    own_app.push("one")
    parts, services = parts_of(slipyard), services_of(slipyard)

    with Load(own_app) as load:
        kill(supervisor_of(slipyard))
        wait_until(lambda: not any(part.is_running() for part in parts))
        load.more()
        slipyard.slipyard("up", "--detach")

    assert load.lost == []
    assert services_of(slipyard) == services
    own_app.push("two")
    assert own_app.text() == "two"


def test_while_all_parts_are_killed_and_started_again(own_app: WholeApp) -> None:
    slipyard = own_app.slipyard
    own_app.push("one")
    before = parts_of(slipyard)

    with Load(own_app) as load:
        for part in before:
            kill(part)
        wait_until(lambda: all_run(slipyard))
        wait_until(lambda: is_ready(slipyard))

    assert load.lost == []
    assert {part.pid for part in before}.isdisjoint(part.pid for part in parts_of(slipyard))
    own_app.push("two")
    assert own_app.text() == "two"


def test_each_service_that_is_killed_is_started_again(own_app: WholeApp) -> None:
    """Without Caddy nobody is answered for a moment; that moment ends by itself."""
    slipyard = own_app.slipyard
    own_app.push("one")

    for service in services_of(slipyard):
        kill(service)

    wait_until(lambda: answers(own_app))
    own_app.push("two")
    assert own_app.text() == "two"
    wait_until(lambda: own_app.builds()[0]["published_at"])


def test_a_power_failure_leaves_each_app_as_it_was_meant_to_be(own_app: WholeApp, tmp_path: Path) -> None:
    slipyard, stopped = own_app.slipyard, new_app(own_app.slipyard, Repository(tmp_path / "stopped"))
    own_app.push("one")
    stopped.push("off")
    slipyard.slipyard("stop", stopped.slug)
    before = own_app.addresses()

    power_failure(slipyard, *own_app.container_ids(), *stopped.container_ids())
    slipyard.slipyard("up", "--detach")

    wait_until(lambda: answers(own_app))
    assert (own_app.text(), own_app.addresses()) == ("one", before)
    assert own_app.wait_settled()[0]["status"] == "active"
    assert slipyard.answer(stopped.slug).status_code == httpx.codes.SERVICE_UNAVAILABLE
    wait_until(lambda: stopped.container_labels() == [])
    own_app.push("two")
    assert own_app.text() == "two"
    stopped.delete()


def parts_of(slipyard: Installation) -> list[Identity]:
    found = [Identity.of(part_of(slipyard, name)) for name in part_names(slipyard)]
    return [part for part in found if part is not None]


def part_names(slipyard: Installation) -> list[str]:
    """As the kernel shows them: it keeps 15 bytes."""
    return [f"slipyard-{part.name}"[:15] for part in parts_by_settings(Settings(home=slipyard.home))]


def all_run(slipyard: Installation) -> bool:
    try:
        return len(parts_of(slipyard)) == len(part_names(slipyard))
    except AssertionError:
        return False


def is_ready(slipyard: Installation) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{slipyard.port}/readyz").is_success
    except httpx.TransportError:
        return False


def answers(app: WholeApp) -> bool:
    try:
        return app.slipyard.answer(app.slug).is_success
    except httpx.TransportError:
        return False
