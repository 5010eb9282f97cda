"""Backups of volumes: made and checked on the way, kept by rules, said where they fail, and given back whole."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from slipyard.clients.container_engine import VolumeSpec
from slipyard.domain.backup import BackupRules, BackupStatus, KeepRules, kept_of
from slipyard.domain.errors import Conflict, InsufficientScope, NotFound, Unavailable, ValidationFailed
from slipyard.domain.volume import VolumeConfig
from slipyard.pipeline.backups.ask_backup import ask_backup, set_rules
from slipyard.pipeline.backups.back_up import remove_backup
from slipyard.pipeline.backups.give_back import give_back
from slipyard.pipeline.backups.targets import NewTarget, make_target, remove_target, try_target
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.telling.deliver_to_notifier import in_words
from slipyard.pipeline.telling.notifiers import NewNotifier, make_notifier
from slipyard.pipeline.volumes.change_volume import NewVolume, create_volume, remove_volume
from slipyard.store.claims import Holder
from slipyard.store.queries.backups import backups_of
from slipyard.store.tables import Backup, Event, Message, Volume
from tests.flow.deaths import GONE
from tests.flow.rollouts import Shop
from tests.flow.system import System
from tests.flow.test_volumes import live, with_volume

DAY = timedelta(days=1)


class Store:
    """An app that never ran, with a volume and something in it: backups need no more."""

    def __init__(self, system: System, app_id: str) -> None:
        self.system, self.app_id = system, app_id
        self.context, self.actor = system.context, system.actor

    @property
    def volume(self) -> Volume:
        return self.system.read(lambda session: session.exec(select(Volume).where(Volume.app_id == self.app_id)).one())

    @property
    def backups(self) -> list[Backup]:
        return self.system.read(lambda session: backups_of(session, self.volume.id))

    @property
    def content(self) -> dict[str, bytes]:
        row = self.volume
        return self.system.engine.volume_files[f"slipyard-{self.context.installation_id}-{row.id}-{row.generation}"]

    def events(self, prefix: str = "backup.") -> list[str]:
        query = select(Event.message).where(Event.app_id == self.app_id, Event.kind.startswith(prefix))
        return self.system.read(lambda session: list(session.exec(query.order_by(Event.sequence)).all()))

    async def back_up(self, **changes: object) -> Backup:
        await ask_backup(self.context, self.app_id, "data", changes, self.actor)
        return await self.made()

    async def made(self) -> Backup:
        """As the controller goes on about it."""
        async with asyncio.timeout(60):
            while self.backups[0].ended_at is None:
                await self.system.control("backups")
                await asyncio.sleep(0)
        await self.system.control("backups")
        return self.backups[0]

    async def give_back(self, backup: Backup, app_id: str | None = None, name: str = "data") -> None:
        await give_back(self.context, app_id or self.app_id, name, backup.id, self.actor)


@pytest.fixture
async def store(system: System) -> Store:
    made = await create_app(system.context, NewApp("shop"), system.actor)
    store = Store(system, made.app.id)
    await create_volume(system.context, store.app_id, NewVolume(VolumeConfig(name="data")), system.actor)
    first = await store.back_up(encrypt=False)
    assert first.status is BackupStatus.SUCCEEDED, first.reason
    store.content["file"] = b"content " * 1000
    return store


def file_of(store: Store, backup: Backup) -> Path:
    return store.context.layout.backups / str(backup.place)


async def test_what_is_wrong_is_refused_before_anything_is_read(store: Store):
    with pytest.raises(NotFound, match="no place for backups 'nowhere'"):
        await ask_backup(store.context, store.app_id, "data", {"target": "nowhere"}, store.actor)
    with pytest.raises(ValueError, match="cron"):
        await set_rules(store.context, store.app_id, "data", {"cron": "every day"}, store.actor)
    await ask_backup(store.context, store.app_id, "data", {}, store.actor)
    with pytest.raises(Conflict, match="being made already"):
        await ask_backup(store.context, store.app_id, "data", {}, store.actor)
    with pytest.raises(Conflict, match="being made"):
        await remove_backup(store.context, store.backups[0], "a test asked for it")
    with pytest.raises(Conflict, match="being made"):
        await remove_volume(store.context, store.app_id, "data", store.actor)


async def test_a_backup_is_sealed_checked_and_gives_back_what_there_was(store: Store):
    backup = await store.back_up()

    assert (backup.status, backup.verified_at is None, backup.content_bytes) == (BackupStatus.SUCCEEDED, False, 8000)
    kept = file_of(store, backup).read_bytes()
    assert (kept.startswith(b"SLYSEAL1"), b"content" in kept, backup.stored_bytes) == (True, False, len(kept))
    assert "restored on trial and found the same" in store.events()[-1]
    assert [name for name in store.system.engine.volume_files if backup.id in name] == []

    store.content.clear()
    await store.give_back(backup)
    assert store.content == {"file": b"content " * 1000}


async def test_it_may_be_given_to_another_app(store: Store):
    backup = await store.back_up()
    made = await create_app(store.context, NewApp("other"), store.actor)
    other = Store(store.system, made.app.id)
    await give_back(store.context, other.app_id, "copied", backup.id, store.actor)
    assert (other.volume.name, other.content) == ("copied", {"file": b"content " * 1000})


async def test_whoever_is_bound_to_one_app_gets_no_data_of_another(store: Store):
    backup = await store.back_up()
    made = await create_app(store.context, NewApp("other"), store.actor)
    bound = replace(store.actor, app_id=made.app.id, scopes=frozenset({"apps:write", "apps:deploy"}))
    with pytest.raises(NotFound, match="no backup"):
        await give_back(store.context, made.app.id, "copied", backup.id, bound)
    await delete_app(store.context, store.app_id, store.actor)
    await store.system.settle()
    adopting = NewVolume(VolumeConfig(name="mine"), adopt=backup.volume_id)
    with pytest.raises(NotFound, match="left a volume"):
        await create_volume(store.context, made.app.id, adopting, bound)


async def test_a_damaged_backup_changes_nothing(store: Store):
    backup = await store.back_up()
    file = file_of(store, backup)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    before = dict(store.content)
    with pytest.raises(ValidationFailed, match="damaged"):
        await store.give_back(backup)
    file.unlink()
    with pytest.raises(NotFound, match="Somebody removed it"):
        await store.give_back(backup)
    assert store.content == before


async def test_what_does_not_come_out_as_it_went_in_is_no_backup(store: Store):
    write = store.context.driver.write_volume

    async def forgetful(volume, writer, content):
        await write(volume, writer, content)
        store.system.engine.volume_files[f"slipyard-{store.context.installation_id}-{volume.id}-1"].clear()

    store.context.driver.write_volume = forgetful
    backup = await store.back_up()
    assert backup.status is BackupStatus.FAILED
    assert "what came out is not what went in" in backup.reason
    assert backup.place is None
    assert len(list(store.context.layout.backups.rglob("*.zst*"))) == 1, "the first one"


async def test_a_failure_is_an_event_and_the_earlier_ones_stay(store: Store):
    asked = NewNotifier("ops", "webhook", "https://example.com/told", events=["backup_failed"])
    await make_notifier(store.context, asked, store.actor)
    store.system.engine.fail_next("copy_out", Unavailable("The engine is away. Start it."))
    backup = await store.back_up(keep={"last": 0, "daily": 0, "weekly": 0, "monthly": 0})
    assert (backup.status, backup.place) == (BackupStatus.FAILED, None)
    assert store.events()[-1] == "shop: backup 2 of the volume data failed. The engine is away. Start it."
    assert store.backups[1].place is not None
    await store.system.control("tell")
    [told] = store.system.read(lambda session: session.exec(select(Message)).all())
    assert told.payload["type"] == "app.backup_failed"
    assert told.payload["data"]["message"] == store.events()[-1]
    assert in_words(told.payload) == ("shop was not backed up", f"{store.events()[-1]}\nhttp://shop.localhost:8080")


async def test_a_backup_whose_maker_died_is_over_and_leaves_nothing(store: Store):
    backup = await store.back_up()
    half = f"slipyard-{store.context.installation_id}-{backup.id}-1"
    with store.context.database.write() as session:
        row = session.get_one(Backup, backup.id)
        row.status, row.ended_at = BackupStatus.RUNNING, None
        row.holder = str(Holder(store.context.holder.host, GONE, "0"))
    label = next(iter(store.system.engine._volumes.values())).labels
    await store.system.engine.create_volume(VolumeSpec(half, {**label, "slipyard.volume": backup.id}))

    await store.made()
    await store.system.control("volumes")

    assert store.backups[0].reason.startswith("The process that made it ended.")
    assert not (store.context.layout.backups / str(backup.place)).exists()
    assert half not in store.system.engine.volume_files


async def test_one_that_is_due_is_made_once_and_its_time_moves_on(store: Store):
    rules = {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}
    row = await set_rules(store.context, store.app_id, "data", rules, store.actor)
    assert row.next_backup_at > store.context.clock.now()
    with store.context.database.write() as session:
        session.get_one(Volume, row.id).next_backup_at = row.next_backup_at - 5 * DAY
    await store.system.control("backups")
    backup = await store.made()
    assert (backup.number, backup.cause, backup.status) == (2, "schedule", BackupStatus.SUCCEEDED)
    assert store.volume.next_backup_at == row.next_backup_at


async def test_what_the_rules_do_not_keep_goes_from_its_place(store: Store):
    await set_rules(store.context, store.app_id, "data", {"keep": KeepRules(last=1, daily=0, weekly=0)}, store.actor)
    first, second = store.backups[0], await store.back_up()
    assert not (store.context.layout.backups / str(first.place)).exists()
    assert (store.backups[1].place, file_of(store, second).exists()) == (None, True)
    assert "Backup 1 of the volume data was removed: the rules keep others." in store.events()


async def test_other_places_are_named_by_administrators_and_stay_while_they_are_used(store: Store, tmp_path: Path):
    there = tmp_path / "mounted"
    deployer = type(store.actor)("dev", "dev", store.actor.organization_id, frozenset({"apps:write"}))
    with pytest.raises(InsufficientScope):
        await make_target(store.context, NewTarget("disk", directory=str(there)), deployer)
    await make_target(store.context, NewTarget("disk", directory=str(there)), store.actor)
    assert "no directory" in await try_target(store.context, "disk", store.actor)
    there.mkdir()
    assert await try_target(store.context, "disk", store.actor) is None
    await store.back_up(target="disk")
    assert len([each for each in there.rglob("*") if each.is_file()]) == 1
    with pytest.raises(Conflict, match="holds backups"):
        await remove_target(store.context, "disk", store.actor)


def test_days_and_weeks_keep_their_newest_one():
    begun = datetime(2026, 3, 1, 3, tzinfo=UTC)
    times = [(str(number), begun + number * DAY / 2) for number in range(60)]
    kept = kept_of(times, KeepRules(last=2, daily=3, weekly=3, monthly=2))
    assert sorted(map(int, kept)) == [43, 55, 57, 58, 59]
    assert kept_of(times, KeepRules(last=0, daily=0, weekly=0)) == set()
    assert BackupRules().keep == KeepRules(last=3, daily=7, weekly=4)


async def test_an_app_is_prepared_for_its_backup(system: System):
    shop: Shop = await with_volume(system)
    await live(shop, 2)
    store = Store(system, shop.app_id)
    backup = await store.back_up(before="pg_dump shop > /data/dump", pause=True)
    assert backup.status is BackupStatus.SUCCEEDED
    assert system.engine.executed[-1] == ("/bin/sh", "-c", "pg_dump shop > /data/dump")
