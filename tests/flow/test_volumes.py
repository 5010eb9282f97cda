"""Volumes: one instance at a time, data that stays through rollouts, ways back and deletions, and goes by name alone."""

import io
import tarfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlmodel import select

from slipyard.clients.container_engine import VolumeSpec
from slipyard.domain.backup import BackupRules
from slipyard.domain.errors import Conflict, NotFound, QuotaExceeded, SourceRefused, ValidationFailed
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.service import ServiceConfig
from slipyard.domain.volume import Attachment, Mount, VolumeConfig
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.stop_app import end_everything, stop_app
from slipyard.pipeline.volumes.change_volume import (
    NewVolume,
    attach_volume,
    change_volume,
    create_volume,
    detach_volume,
    remove_volume,
)
from slipyard.pipeline.volumes.read_volume import begin_reading, copy_volume
from slipyard.pipeline.volumes.restore_volume import restore_volume
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.pipeline.way_back.way_back import way_back
from slipyard.store.claims import Holder
from slipyard.store.queries.volumes import left_behind, volumes_of
from slipyard.store.tables import App, Event, Volume
from tests.flow.deaths import GONE
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System

AT_DATA = Attachment(path="/data")


async def settle(system: System) -> None:
    for _ in range(4):
        await system.control("wake", "drain", "go_on", "clean_up")
        await system.work()


async def with_volume(system: System, *, replicas: int = 1, exclusive: bool = True) -> Shop:
    shop = await new_shop(system, replicas=replicas)
    config = VolumeConfig(name="data", exclusive=exclusive)
    await create_volume(system.context, shop.app_id, NewVolume(config, AT_DATA), system.actor)
    return shop


async def live(shop: Shop, version: int) -> None:
    await shop.ask(version)
    await settle(shop.system)
    assert shop.last.status is DeploymentStatus.ACTIVE, shop.last.error


def mounted(shop: Shop) -> list[tuple[str, str]]:
    """Volume and path in each container that runs."""
    there = [each for each in shop.system.engine._containers.values() if each.running]
    return [(mount.volume, mount.path) for each in there for mount in each.spec.volumes]


def volume(shop: Shop, name: str = "data"):
    return next(row for row in shop.system.read(lambda session: volumes_of(session, shop.app_id)) if row.name == name)


def engine_name(shop: Shop) -> str:
    row = volume(shop)
    return f"slipyard-{shop.system.context.installation_id}-{row.id}-{row.generation}"


async def test_two_instances_cannot_have_an_exclusive_volume(system: System):
    shop = await with_volume(system, replicas=2)
    await shop.ask(2)
    await settle(system)
    assert shop.last.status is DeploymentStatus.FAILED
    assert "exclusive, and 2 instances would have it" in shop.last.error
    assert "slipyard volumes set shop data --shared" in shop.last.error
    await change_volume(system.context, shop.app_id, "data", {"exclusive": False}, system.actor)
    await live(shop, 3)
    assert mounted(shop) == [(engine_name(shop), "/data")] * 2


async def test_what_is_there_or_nowhere_is_refused(system: System):
    shop = await with_volume(system)
    again = NewVolume(VolumeConfig(name="data"))
    with pytest.raises(Conflict, match="has a volume data already"):
        await create_volume(system.context, shop.app_id, again, system.actor)
    with pytest.raises(NotFound, match="slipyard volumes list shop"):
        await attach_volume(system.context, shop.app_id, "media", AT_DATA, system.actor)
    with pytest.raises(ValidationFailed, match="attached at /data already"):
        await attach_volume(system.context, shop.app_id, "data", AT_DATA, system.actor)
    with pytest.raises(Conflict, match="not attached at /other"):
        await detach_volume(system.context, shop.app_id, "data", "/other", system.actor)
    for number in range(49):
        new = NewVolume(VolumeConfig(name=f"more-{number}"))
        await create_volume(system.context, shop.app_id, new, system.actor)
    with pytest.raises(QuotaExceeded, match="has 50 volumes"):
        await create_volume(system.context, shop.app_id, NewVolume(VolumeConfig(name="last")), system.actor)


async def test_an_app_with_an_exclusive_volume_ends_before_it_starts_and_says_so_beforehand(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    assert mounted(shop) == [(engine_name(shop), "/data")]

    asked = await shop.ask(3)

    assert "so the old instance ends before the new one starts" in asked.progress
    shop.watch()
    await settle(system)
    assert shop.last.status is DeploymentStatus.ACTIVE
    assert max(running for _, running in shop.seen) == 1
    assert mounted(shop) == [(engine_name(shop), "/data")]


async def test_going_back_and_detaching_keep_the_data(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    system.engine.volume_files[engine_name(shop)]["kept"] = b"yes"
    await live(shop, 3)
    assert "Its volumes keep what is in them now." in (await way_back(system.context, shop.app_id, None)).sentence

    await roll_back(system.context, shop.app_id, None, system.actor)
    await settle(system)
    assert (shop.last.trigger, shop.last.status) == ("rollback", DeploymentStatus.ACTIVE)
    assert mounted(shop) == [(engine_name(shop), "/data")]
    await detach_volume(system.context, shop.app_id, "data", None, system.actor)
    await live(shop, 4)

    assert mounted(shop) == []
    assert system.engine.volume_files[engine_name(shop)] == {"kept": b"yes"}


async def test_a_volume_that_somebody_removed_in_the_engine_is_not_made_anew_in_silence(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    system.engine._volumes.pop(engine_name(shop))
    await shop.ask(3)
    await settle(system)
    assert shop.last.status is DeploymentStatus.FAILED
    assert "Restore it from a backup" in shop.last.error


async def test_what_runs_keeps_its_volume_and_what_stopped_may_lose_it_by_name(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    with pytest.raises(Conflict, match="runs with the volume data"):
        await remove_volume(system.context, shop.app_id, "data", system.actor)
    await stop_app(system.context, shop.app_id, system.actor)
    await settle(system)
    name = engine_name(shop)
    await remove_volume(system.context, shop.app_id, "data", system.actor)
    assert name not in system.engine.volume_files
    assert system.read(lambda session: volumes_of(session, shop.app_id)) == []


async def test_a_deleted_app_leaves_its_volumes_and_another_adopts_them_with_their_data(system: System):
    shop = await with_volume(system)
    cache = NewVolume(VolumeConfig(name="cache"), Attachment(path="/cache"))
    await create_volume(system.context, shop.app_id, cache, system.actor)
    await live(shop, 2)
    name, row = engine_name(shop), volume(shop)
    system.engine.volume_files[name]["kept"] = b"yes"
    with pytest.raises(NotFound):
        await delete_app(system.context, shop.app_id, system.actor, ["other"])

    said = await delete_app(system.context, shop.app_id, system.actor, ["cache"])
    await settle(system)

    assert "Left behind with their data: data;" in " ".join(said)
    assert system.app(shop.app_id).deleted_at is not None
    assert list(system.engine.volume_files) == [name]
    found = system.read(lambda session: [each.id for each, _ in left_behind(session, row.organization_id)])
    assert found == [row.id]

    heir = await new_shop(system, replicas=1)
    adopting = NewVolume(VolumeConfig(name="inherited"), AT_DATA, adopt=row.id)
    await create_volume(system.context, heir.app_id, adopting, system.actor)
    await live(heir, 2)
    assert mounted(heir) == [(name, "/data")]
    with pytest.raises(NotFound):
        await create_volume(
            system.context, heir.app_id, NewVolume(VolumeConfig(name="twice"), adopt=row.id), system.actor
        )


async def test_volumes_that_only_the_app_s_services_name_are_made_and_shared_where_several_have_them(system: System):
    shop = await new_shop(system, replicas=1)
    mount = (Mount(volume="files", path="/files"),)
    services = {
        "web": ServiceConfig(mounts=(*mount, Mount(volume="own", path="/own"))),
        "worker": ServiceConfig(mounts=mount, command="work"),
    }
    config = system.app(shop.app_id).config.model_copy(update={"services": services})
    await change_app(system.context, shop.app_id, AppChanges(config=config), system.actor)
    await live(shop, 2)
    assert (volume(shop, "files").exclusive, volume(shop, "own").exclusive) == (False, True)
    assert len(mounted(shop)) == 3


def packed(**files: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read_out(shop: Shop, **rules: Any) -> bytes:
    asked = (shop.app_id, "data", BackupRules(**rules), shop.system.actor)
    return b"".join([piece async for piece in await begin_reading(shop.system.context, *asked)])


async def restore(shop: Shop, content: AsyncIterator[bytes], name: str = "data") -> Any:
    return await restore_volume(shop.system.context, shop.app_id, name, content, shop.system.actor)


def kinds(shop: Shop) -> list[str]:
    query = select(Event.kind).where(Event.app_id == shop.app_id).order_by(Event.sequence)
    return [each for each in shop.system.read(lambda session: session.exec(query).all()) if each.startswith("volume.")]


async def test_a_restore_that_fails_changes_nothing_and_is_said(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    name = engine_name(shop)
    system.engine.volume_files[name]["kept"] = b"yes"
    outside = io.BytesIO()
    with tarfile.open(fileobj=outside, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../out"))
    for bad in (b"no archive at all" * 100, packed(a=b"x" * 100_000)[:120], outside.getvalue()):
        with pytest.raises(SourceRefused):
            await restore(shop, stream(bad))
    assert system.engine.volume_files == {name: {"kept": b"yes"}}
    assert kinds(shop)[-2:] == ["volume.restoring", "volume.restore_failed"]
    assert (engine_name(shop), volume(shop).restoring) == (name, None)


async def test_a_restored_volume_counts_at_once_and_the_app_is_restarted_with_it(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    before = engine_name(shop)
    system.engine.volume_files[before]["old"] = b"data"
    kept = await read_out(shop)
    await restore(shop, stream(packed(new=b"data")))
    await settle(system)

    assert shop.last.trigger == "restart"
    assert shop.last.status is DeploymentStatus.ACTIVE
    assert engine_name(shop) != before
    assert mounted(shop) == [(engine_name(shop), "/data")]
    await system.control("volumes")
    assert system.engine.volume_files == {engine_name(shop): {"new": b"data"}}

    await restore(shop, stream(kept[:50], kept[50:]))  # sealed, as it was read
    await settle(system)
    await system.control("volumes")
    assert system.engine.volume_files == {engine_name(shop): {"old": b"data"}}


async def test_one_restore_at_a_time_unless_who_did_it_is_gone(system: System):
    shop = await with_volume(system)
    await live(shop, 2)

    async def meanwhile() -> AsyncIterator[bytes]:
        with pytest.raises(Conflict, match="restored already"):
            await restore(shop, stream(packed(a=b"1")))
        yield packed(b=b"2")

    await restore(shop, meanwhile())
    coming = f"slipyard-{system.context.installation_id}-{volume(shop).id}-{volume(shop).generation + 1}"
    with system.context.database.write() as session:
        session.get_one(Volume, volume(shop).id).restoring = str(Holder(system.context.holder.host, GONE, "0"))
    label = system.engine._volumes[engine_name(shop)].labels
    await system.engine.create_volume(VolumeSpec(coming, label))
    system.engine.volume_files[coming]["half"] = b"of it"

    await restore(shop, stream(packed(c=b"3")))

    assert engine_name(shop) == coming
    assert system.engine.volume_files[coming] == {"c": b"3"}


async def test_what_a_dead_restore_left_in_the_engine_goes_and_nothing_else(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    own, row = engine_name(shop), volume(shop)
    label = system.engine._volumes[own].labels
    half = f"slipyard-{system.context.installation_id}-{row.id}-9"
    other = {**label, "slipyard.volume": "vol_unknown"}
    for spec in (VolumeSpec(half, label), VolumeSpec("of-somebody-else", {}), VolumeSpec("slipyard-lookalike", other)):
        await system.engine.create_volume(spec)
    await system.control("volumes")
    assert sorted(system.engine._volumes) == sorted([own, "of-somebody-else", "slipyard-lookalike"])


async def test_a_copy_goes_into_another_app_with_what_is_there_now(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    system.engine.volume_files[engine_name(shop)]["kept"] = b"yes"
    made = await create_app(system.context, NewApp("other"), system.actor)
    other = Shop(system, made.app.id)
    await copy_volume(system.context, (shop.app_id, "data"), (other.app_id, "copied"), BackupRules(), system.actor)
    there = volume(other, "copied")
    name = f"slipyard-{system.context.installation_id}-{there.id}-{there.generation}"
    assert system.engine.volume_files[name] == {"kept": b"yes"}
    assert there.attachments == []
    here = (shop.app_id, "data")
    with pytest.raises(Conflict, match="onto itself"):
        await copy_volume(system.context, here, here, BackupRules(), system.actor)


async def test_the_app_is_prepared_before_its_files_are_read_and_goes_on_afterwards(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    seen: list[bool] = []
    copy_out = system.engine.copy_out

    async def watched(door: str, path: str) -> AsyncIterator[bytes]:
        await system.control("heal")
        seen.extend(each.status == "paused" for each in system.engine._containers.values())
        async for piece in copy_out(door, path):
            yield piece

    system.engine.copy_out = watched
    await read_out(shop, pause=True, before="sync it", after=["go", "on"])
    assert seen == [True]
    assert system.engine.executed[-2:] == [("/bin/sh", "-c", "sync it"), ("go", "on")]
    assert [each.status for each in system.engine._containers.values()] == ["running"]
    await system.control("heal")
    assert await shop.running() == 1


async def test_whoever_stops_reading_leaves_an_app_that_runs(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    rules = BackupRules(pause=True, encrypt=False)
    reading = await begin_reading(system.context, shop.app_id, "data", rules, system.actor)
    await anext(reading)
    assert [each.status for each in system.engine._containers.values()] == ["paused"]
    await reading.aclose()
    assert [each.status for each in system.engine._containers.values()] == ["running"]
    assert volume(shop).paused_by is None
    assert system.engine._doors == {}


async def test_more_than_its_size_is_told_once_and_room_again_too(system: System):
    shop = await with_volume(system)
    await change_volume(system.context, shop.app_id, "data", {"size_bytes": 1000}, system.actor)
    await live(shop, 2)
    for held in (b"x" * 1000, b"x" * 2000, b"x" * 950, b"x"):
        system.engine.volume_files[engine_name(shop)]["file"] = held
        with system.context.database.write() as session:
            session.get_one(Volume, volume(shop).id).measured_at = None
        await system.control("volumes")
    assert kinds(shop)[-3:] == ["volume.unlimited", "volume.full", "volume.has_room"]
    assert volume(shop).used_bytes == 1


async def test_a_preview_has_volumes_of_its_own_which_begin_empty_and_go_with_it(system: System):
    shop = await with_volume(system)
    await live(shop, 2)
    system.engine.volume_files[engine_name(shop)]["kept"] = b"yes"
    config = system.app(shop.app_id).config
    made = await create_app(system.context, NewApp("shop-pr-7", config=config), system.actor)
    preview = Shop(system, made.app.id)
    await preview.ask(2)
    with system.context.database.write() as session:
        session.get_one(App, preview.app_id).parent_id = shop.app_id
    await settle(system)
    assert preview.last.status is DeploymentStatus.ACTIVE, preview.last.error
    own = engine_name(preview)
    assert sorted(mounted(shop)) == sorted([(engine_name(shop), "/data"), (own, "/data")])
    assert system.engine.volume_files[own] == {}
    with system.context.database.write() as session:
        app = session.get_one(App, preview.app_id)
        app.deleting_at, app.stopped = system.clock.now(), True
        end_everything(session, system.context, app, "Its request was closed")
    await settle(system)
    assert list(system.engine.volume_files) == [engine_name(shop)]
