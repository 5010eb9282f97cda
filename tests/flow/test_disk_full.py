"""A disk that is full, a real one: a clear failure, the database whole, and recovery by itself when there is room again."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from slipyard.domain.errors import DiskFull
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.cleaning.clean_up_old import clean_up_old
from slipyard.pipeline.recover import LeaseWatch, recover_claims
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.store.claims import claim_deployment
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System
from tests.prepared_databases import write_prepared_sqlite

SMALL = "16m"
MIB = 1024 * 1024
PIECE = b"x" * 4096


class SmallDisk:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        descriptor = os.open(self._ballast, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            while os.write(descriptor, PIECE):
                pass
        except OSError:  # it is full
            pass
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "slipyard-test", str(path)], check=True)
    yield SmallDisk(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
async def full_system(disk: SmallDisk) -> AsyncIterator[System]:
    """SQLite in its data directory: PostgreSQL has a disk of its own."""
    write_prepared_sqlite(disk.path / "home" / "slipyard.db")
    made = System(disk.path / "home", None)
    with made.context.database.read() as session:
        session.execute(text("SELECT id FROM app"))  # as long as somebody reads, SQLite gives no room back by itself
        yield made
    made.installation.close()


def is_whole(system: System) -> bool:
    found = system.read(lambda session: session.execute(text("PRAGMA integrity_check")).scalar_one())
    return bool(found == "ok")


async def test_what_is_asked_meanwhile_is_refused_with_a_sentence_and_leaves_nothing(
    full_system: System, disk: SmallDisk
) -> None:
    async with serving(full_system) as api:
        made = await api.client.post("/v1/apps", json={"name": "shop", "deploy": False})
        disk.fill()

        refused = await deploy(api)
        again = await api.client.get("/v1/apps/shop/deployments")

        assert (refused.status_code, refused.json()["error"]["code"]) == (507, "disk_full")
        assert "goes on by itself" in refused.json()["error"]["message"]
        assert again.json()["deployments"] == []
        assert is_whole(full_system)
        disk.make_room()
        assert (made.status_code, (await deploy(api)).status_code) == (201, 202)


async def deploy(api: ApiServer) -> Any:
    api.system.engine.publish("example.org/shop:1")
    return await api.client.post("/v1/apps/shop/deploy", json={"image": "example.org/shop:1"})


async def test_a_rollout_goes_on_where_it_was_when_there_is_room_again(full_system: System, disk: SmallDisk) -> None:
    """Its worker can neither say how far it is, nor fail, nor give it back: it waits until it can."""
    system = full_system
    shop = await new_shop(system, replicas=2)
    row = await shop.ask(2)
    wait_ready = system.context.driver.wait_ready

    async def ready_on_a_full_disk(*arguments: Any) -> None:
        await wait_ready(*arguments)
        disk.fill()

    system.context.driver.wait_ready = ready_on_a_full_disk  # type: ignore[method-assign]
    system.queue.waiting.clear()
    work = asyncio.create_task(run_deployment(system.context, row.id))
    while not is_full(system):
        await system.clock.sleep(0)
    await system.control("recover", "drain", "follow_routes")

    assert shop.last.status is not DeploymentStatus.ACTIVE
    assert shop.serving == {system.deployments(shop.app_id)[0].id: 2}, "the old release serves"
    assert is_whole(system)
    disk.make_room()
    async with asyncio.timeout(60):
        await work
    del system.context.driver.wait_ready
    await live(system, shop)
    assert is_whole(system)


async def live(system: System, shop: Shop) -> None:
    for _ in range(4):
        await system.settle()
    assert (shop.last.status, shop.last.attempt) == (DeploymentStatus.ACTIVE, 2)
    assert shop.serving == {shop.last.id: 2}


async def test_its_share_of_the_disk_is_held_by_giving_up_the_cache_also_when_the_disk_is_full(
    full_system: System, disk: SmallDisk
) -> None:
    system = full_system
    await new_shop(system, replicas=1)
    system.set(disk_share=0.5)
    system.builder.cache_bytes = 12 * MIB  # as if it lay there: more than half of what the disk has

    await clean_up_old(system.context)
    assert system.builder.cache_bytes == 12 * MIB, "an empty disk is nobody's trouble"
    disk.fill()
    await clean_up_old(system.context)

    assert system.builder.cache_bytes < 8 * MIB


async def test_whoever_cannot_beat_for_want_of_room_is_not_killed_for_that(system: System) -> None:
    """The test itself would be: it holds the row."""
    shop = await new_shop(system, replicas=1)
    row = await shop.ask(2)
    now, me = system.clock.now(), str(system.context.holder)
    claim = await system.context.database.writing(lambda session: claim_deployment(session, row.id, me, now))
    watch = LeaseWatch()
    for _ in range(3):
        await recover_claims(replace(system.context, database=FullDisk(system.context.database)), watch)
        system.clock.ahead += system.context.settings.lease_seconds * 2

    assert claim is not None
    assert shop.last.claim_token == claim.token


class FullDisk:
    """Reads, and writes nothing."""

    def __init__(self, inner: Any) -> None:
        self.reading = inner.reading

    async def writing(self, _: Any) -> None:
        raise DiskFull("The disk is full.")


def is_full(system: System) -> bool:
    try:
        with system.context.database.write() as session:
            session.execute(text("UPDATE app SET slug = slug"))
    except OperationalError:
        return True
    return False


async def test_the_fault_is_ours_and_says_what_to_do(full_system: System, disk: SmallDisk) -> None:
    shop = await new_shop(full_system, replicas=1)
    disk.fill()

    with pytest.raises(DiskFull, match="slipyard system cleanup"):
        await shop.ask(2)
