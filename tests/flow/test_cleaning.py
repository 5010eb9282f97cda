"""Cleaning takes what every row agrees may go, says why the rest stays, and holds Slipyard's share of the disk."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from slipyard.clients.registry_manifest import Manifest
from slipyard.domain.cleaning import CleaningItem
from slipyard.domain.errors import Unavailable
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.cleaning.clean import clean, plan_cleaning
from slipyard.pipeline.cleaning.clean_up_old import clean_up_old
from slipyard.pipeline.cleaning.disk_use import disk_use
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Build
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push

MIB = 1024 * 1024
AWAY = Unavailable("The container engine does not answer. Start it.")


@pytest.fixture
async def app_id(system: System, repository: Repository) -> str:
    """Four releases; the newest is live, one before it may be gone back to."""
    system.set(keep_releases=1)
    app_id = await new_app(system)
    for number in range(4):
        await push(system, app_id, repository, f"commit {number}", main__py=str(number))
        await system.settle()
    return app_id


def references(system: System, app_id: str) -> list[str]:
    return [str(build.image_reference) for build in system.builds(app_id)]


async def there(system: System, names: Sequence[str]) -> list[bool]:
    return [await system.engine.image(name) is not None for name in names]


def named(items: Sequence[CleaningItem], name: str) -> CleaningItem:
    return next(item for item in items if item.name == name)


def labelled(system: System, name: str) -> str:
    """An image that carries this installation's label, under a name that no row has."""
    system.engine.add_image(name, labels={"slipyard.installation": system.context.installation_id})
    return name


async def publish(system: System, app_id: str) -> None:
    for build in system.builds(app_id):
        reference = str(build.image_reference)
        digest = await system.engine.push(reference)
        system.registry.add(reference, Manifest(digest, str(build.image_id), ""))
    await system.control("publish")


async def test_an_engine_that_is_away_is_asked_again_in_the_next_pass(system: System, app_id: str) -> None:
    first = references(system, app_id)[0]
    system.engine.fail_next("remove_image", AWAY, times=4)
    await clean_up_old(system.context)
    assert await there(system, [first]) == [True]
    build = system.builds(app_id)[0]
    assert (build.removal_due, build.image_removed_at is not None) == (True, True)

    await clean_up_old(system.context)
    assert await there(system, [first]) == [False]
    assert not system.builds(app_id)[0].removal_due


async def test_a_part_that_is_away_keeps_nobody_from_cleaning_the_others(system: System, app_id: str) -> None:
    tree = next(system.context.layout.snapshots.glob("*.tar"))
    stale = tree.with_name(f"{'a' * 64}.tar")
    shutil.copy(tree, stale)
    os.utime(stale, (0, 0))
    system.engine.down = True
    done = await clean(system.context)
    assert not stale.exists()
    assert any("does not answer" in trouble for trouble in done.troubles)


async def test_what_nobody_can_account_for_stays(system: System, app_id: str) -> None:
    layout, first = system.context.layout, references(system, app_id)[0]
    repository = first.rpartition(":")[0]
    strange = [
        labelled(system, "somebody.example/else:1"),
        labelled(system, f"{repository}:b99-1"),
        labelled(system, f"{repository}:latest"),
        labelled(system, "127.0.0.1:7008/another-0123:b1-1"),
    ]
    files = [layout.snapshots / "notes.txt", layout.build_log("x").with_name("keep.log")]
    (layout.repositories / "app_unknown.git").mkdir(parents=True)
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
        os.utime(path, (0, 0))

    await clean_up_old(system.context)

    assert await there(system, strange) == [True] * 4
    assert all(path.exists() for path in [*files, layout.repositories / "app_unknown.git"])
    kept = (await plan_cleaning(system.context)).kept
    assert "not Slipyard's to remove" in named(kept, "somebody.example/else:1").reason
    assert (
        "not its to remove"
        in next(item for item in kept if item.name == str(layout.snapshots) and item.count == 1).reason
    )


async def test_what_a_lost_attempt_left_goes_and_what_is_being_built_stays(
    system: System, app_id: str, repository: Repository
) -> None:
    lost = labelled(system, references(system, app_id)[-1].replace(":b4-1", ":b4-0"))
    await push(system, app_id, repository, "waits", main__py="5")
    coming = labelled(system, lost.replace(":b4-0", ":b5-1"))

    await clean_up_old(system.context)
    assert await there(system, [lost, coming]) == [False, True]


async def test_a_plan_says_what_goes_and_why_the_rest_stays_and_does_nothing(system: System, app_id: str) -> None:
    names = references(system, app_id)
    plan = await plan_cleaning(system.context)

    assert await there(system, names) == [True] * 4
    goes = [item for item in plan.removed if item.kind == "image"]
    assert [(item.name, item.app, item.bytes) for item in goes] == [(name, "shop", 5 * MIB) for name in names[:2]]
    assert "Release 4 of shop is live" in named(plan.kept, names[3]).reason
    assert "Release 3 of shop can be gone back to" in named(plan.kept, names[2]).reason
    assert plan.disk is not None
    assert plan.disk.parts["images"] == 20 * MIB
    done = await clean(system.context, exact=True)
    assert [item for item in done.removed if item.kind == "image"] == goes


async def test_of_a_deleted_app_nothing_is_left_to_find(system: System, app_id: str) -> None:
    names = references(system, app_id)
    mirror: Path = system.context.layout.repository(app_id)
    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    await asyncio.to_thread(mirror.mkdir, parents=True)  # as after a power cut
    system.engine.add_image(names[0], labels={"slipyard.installation": system.context.installation_id})

    await clean_up_old(system.context)
    assert not await asyncio.to_thread(mirror.exists)
    assert await there(system, names) == [False] * 4
    assert await system.engine.networks({}) == []


async def test_below_its_share_the_cache_stays(system: System, app_id: str) -> None:
    system.builder.cache_bytes = 10 * MIB
    system.set(disk_share=1.0)
    await clean_up_old(system.context)
    assert system.builder.cache_bytes == 10 * MIB


async def test_above_its_share_the_cache_goes_first_and_no_more_than_is_too_much(system: System, app_id: str) -> None:
    await publish(system, app_id)
    await clean_up_old(system.context)
    system.builder.cache_bytes = 10 * MIB
    use = await disk_use(Survey(system.context, exact=True))
    system.set(disk_share=(use.own - 3 * MIB) / use.total)

    await clean_up_old(system.context)
    assert 6 * MIB <= system.builder.cache_bytes <= 8 * MIB
    assert await there(system, references(system, app_id)[2:]) == [True, True]


async def test_then_go_copies_of_images_that_the_registry_has_and_a_rollback_pulls_them(
    system: System, repository: Repository, app_id: str
) -> None:
    system.set(keep_releases=3)
    await publish(system, app_id)
    system.builder.cache_bytes = 10 * MIB
    system.set(disk_share=1e-9)

    plan = await plan_cleaning(system.context)
    await clean_up_old(system.context)

    assert [item.kind for item in plan.removed] == ["build cache", "engine image", "engine image"]
    assert any("SLIPYARD_DISK_SHARE" in trouble for trouble in plan.troubles)
    assert system.builder.cache_bytes == 0
    assert await there(system, references(system, app_id)) == [False, False, True, True]
    first = system.deployments(app_id)[0]
    await roll_back(system.context, app_id, first.id, system.actor)
    await system.settle()
    back = system.deployments(app_id)[-1]
    assert (back.status, back.way_back) == (DeploymentStatus.ACTIVE, "pulled")


async def test_without_a_registry_that_has_it_no_copy_goes(system: System, app_id: str) -> None:
    system.set(keep_releases=3, disk_share=1e-9)
    await clean_up_old(system.context)
    assert await there(system, references(system, app_id)) == [True] * 4


async def test_what_is_gone_back_to_at_this_moment_is_not_taken_away_behind_its_back(
    system: System, app_id: str
) -> None:
    system.engine.fail_next("remove_image", AWAY, times=4)
    await clean_up_old(system.context)
    first = system.deployments(app_id)[0]
    await roll_back(system.context, app_id, first.id, system.actor)

    await clean_up_old(system.context)
    await system.settle()
    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE
    assert system.read(lambda session: session.get_one(Build, system.builds(app_id)[0].id)).image_reference
