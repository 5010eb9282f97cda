"""What somebody does to the files of a route is noticed, said and undone; what Slipyard itself does to them is not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select

from slipyard.pipeline.maintain import maintain
from slipyard.pipeline.stop_app import stop_app
from slipyard.store.tables import Event
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System


def directory(shop: Shop) -> Path:
    return shop.system.context.layout.routes / shop.app_id


def remove(path: Path) -> None:
    shutil.rmtree(path)


def unlink(path: Path) -> None:
    (path / "current").unlink()


def redirect_a_slot(path: Path) -> None:
    (path / "current" / "3").write_text("10.9.9.9:80")


def empty_the_state(path: Path) -> None:
    (path / "current" / "state").write_text("")


def say_another_state(path: Path) -> None:
    (path / "current" / "state").write_text("stopped")


def point_ahead(path: Path) -> None:
    newest = (path / "current").readlink()
    shutil.copytree(path / newest, path / "90")
    (path / "current").unlink()
    (path / "current").symlink_to("90")


def put_a_directory_in_its_place(path: Path) -> None:
    newest = (path / "current").readlink()
    (path / "current").unlink()
    shutil.copytree(path / newest, path / "current")


@pytest.mark.parametrize(
    "by_hand",
    [put_a_directory_in_its_place, remove, unlink, redirect_a_slot, empty_the_state, say_another_state, point_ahead],
)
async def test_changed_files_are_written_again_and_it_is_said(system: System, by_hand: Callable[[Path], None]) -> None:
    shop = await new_shop(system, replicas=2)
    addresses = (await shop.route()).addresses
    by_hand(directory(shop))
    await system.control("routes")

    assert (await shop.route()).addresses == addresses
    assert (directory(shop) / "current" / "3").read_text() in addresses
    assert len(said(shop)) == 1
    await system.control("routes")
    assert len(said(shop)) == 1, "and then all is well"
    await shop.deploy(2)
    assert (await shop.route()).addresses != addresses


async def test_the_difference_is_told(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    point_ahead(directory(shop))
    await system.control("routes")
    assert "generation is 90 instead of" in said(shop)[0]


async def test_what_slipyard_itself_writes_is_no_drift(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    for change in (
        maintain(system.context, shop.app_id, "back soon", system.actor),
        maintain(system.context, shop.app_id, None, system.actor),
        stop_app(system.context, shop.app_id, system.actor),
    ):
        await change
        await system.control("routes")
    assert said(shop) == []


def said(shop: Shop) -> list[str]:
    query = select(Event.message).where(Event.app_id == shop.app_id, Event.kind == "route.drift")
    return shop.system.read(lambda session: list(session.exec(query)))
