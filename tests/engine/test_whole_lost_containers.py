"""A container that somebody removed is started again, and its address is nobody else's meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.installation import Installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository

OTHERS = 3


@pytest.fixture
def others(slipyard: Installation, tmp_path: Path) -> Iterator[list[WholeApp]]:
    apps = [new_app(slipyard, Repository(tmp_path / f"other-{number}"), "other") for number in range(OTHERS)]
    yield apps
    for app in apps:
        app.delete()


def test_an_app_without_its_container_never_answers_with_another_ones_content(
    whole_app: WholeApp, others: list[WholeApp]
) -> None:
    whole_app.push("mine")
    addresses = whole_app.addresses()
    whole_app.remove_containers()

    for other in others:
        other.push("somebody else")
        assert "somebody else" not in whole_app.slipyard.answer(whole_app.slug).text
        assert other.addresses().isdisjoint(addresses)

    wait_until(lambda: whole_app.slipyard.answer(whole_app.slug).text == "mine")
    assert whole_app.addresses() == addresses
    assert [row["status"] for row in whole_app.wait_settled()] == ["active"]
