"""An address that one app gave back never answers for another, whatever visitors of the first one still hold."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.installation import Installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.engine.whole_load import Load
from tests.flow.repository import Repository

STOPPED, NO_APP = 503, 404
SOMEBODY_ELSE = "somebody else"
OTHERS = 3


def test_a_stopped_apps_host_never_shows_another_app(
    whole_app: WholeApp, start_others: Callable[[], list[WholeApp]]
) -> None:
    whole_app.push("mine")

    with Load(whole_app) as load:
        whole_app.slipyard.slipyard("stop", whole_app.slug)
        wait_until(lambda: whole_app.container_labels() == [])
        others = start_others()
        load.more()
        for other in others:
            other.slipyard.slipyard("stop", other.slug)
        whole_app.slipyard.slipyard("start", whole_app.slug)
        load.more()

    assert load.broken == []
    assert {status for status, _ in load.seen} == {200, STOPPED}
    assert {text for status, text in load.seen if status == 200} == {"mine"}
    assert whole_app.text() == "mine"


def test_a_deleted_apps_host_answers_404_and_never_shows_who_got_its_network(
    whole_app: WholeApp, start_others: Callable[[], list[WholeApp]]
) -> None:
    slipyard = whole_app.slipyard
    whole_app.push("mine")

    with Load(whole_app) as load:
        slipyard.slipyard("apps", "delete", whole_app.slug, "--yes", "--wait")
        start_others()
        load.more()
        assert slipyard.answer(whole_app.slug).status_code == NO_APP

    assert load.broken == []
    assert {text for status, text in load.seen if status == 200} == {"mine"}
    assert {status for status, _ in load.seen} <= {200, STOPPED, NO_APP}


def test_apps_that_come_and_go_cost_another_app_no_request(
    whole_app: WholeApp, start_others: Callable[[], list[WholeApp]]
) -> None:
    whole_app.push("mine")

    with Load(whole_app) as load:
        for other in start_others():
            other.slipyard.slipyard("apps", "delete", other.slug, "--yes", "--wait")
            assert other.slipyard.answer(other.slug).status_code == NO_APP
            load.more()

    assert load.lost == []
    assert load.texts == {"mine"}


def test_a_host_that_nobody_has_answers_404(slipyard: Installation) -> None:
    assert slipyard.answer("nobody-has-this").status_code == NO_APP


@pytest.fixture
def start_others(slipyard: Installation, tmp_path: Path) -> Iterator[Callable[[], list[WholeApp]]]:
    made: list[WholeApp] = []

    def start() -> list[WholeApp]:
        for number in range(OTHERS):
            made.append(new_app(slipyard, Repository(tmp_path / f"other-{number}"), "other"))
            made[-1].push(SOMEBODY_ELSE)
        assert {app.text() for app in made} == {SOMEBODY_ELSE}
        return made

    yield start
    for app in made:
        app.delete()
