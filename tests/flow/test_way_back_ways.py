"""A rollback takes the quickest way that is left, brings everything of a release back, and says beforehand what changes."""

import pytest

from slipyard.clients import machine_memory
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.errors import Conflict, Unavailable
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.domain.resources import Resources
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.configuration.change_configuration import change_env
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.pipeline.way_back.way_back import way_back
from tests.flow.rollouts import Shop, image, new_shop
from tests.flow.system import System


@pytest.fixture(autouse=True)
def keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.5)


async def set_env(shop: Shop, **values: str | None) -> None:
    await change_env(shop.system.context, shop.app_id, values, replace=False, actor=shop.system.actor)


async def back(shop: Shop):
    await roll_back(shop.system.context, shop.app_id, None, shop.system.actor)
    await shop.system.work()
    return shop.last


async def gone(shop: Shop, version: int) -> None:
    await shop.system.control("drain")
    await shop.system.engine.remove_image(image(version))


async def test_an_image_that_is_nowhere_is_said_and_what_serves_goes_on(system: System) -> None:
    shop = await new_shop(system, 1)
    second = await shop.deploy(2)
    await gone(shop, 1)
    system.engine._registry.clear()

    last = await back(shop)

    assert last.status is DeploymentStatus.FAILED
    assert "The image of release 1 is neither on this engine nor in its registry" in last.error
    assert shop.serving == {second.id: 1}


async def test_a_tag_that_was_moved_is_not_taken_for_the_release(system: System) -> None:
    shop = await new_shop(system, 1)
    second = await shop.deploy(2)
    await gone(shop, 1)
    system.engine.publish(image(3))
    system.engine._registry[image(1)] = system.engine._registry[image(3)]

    last = await back(shop)

    assert last.status is DeploymentStatus.FAILED
    assert f"The registry has another image under {image(1)} than release 1 was made of" in last.error
    assert shop.serving == {second.id: 1}


async def test_the_registry_is_not_needed_where_the_image_is_here(system: System) -> None:
    shop = await new_shop(system, 1)
    await shop.deploy(2)
    system.engine.fail_next("pull", Unavailable("The registry does not answer."), times=9)

    last = await back(shop)

    assert (last.status, last.way_back) == (DeploymentStatus.ACTIVE, "started")


async def test_an_image_that_is_in_its_registry_alone_is_pulled(system: System) -> None:
    shop = await new_shop(system, 1)
    await shop.deploy(2)
    await gone(shop, 1)

    found = await way_back(system.context, shop.app_id, None)
    last = await back(shop)

    assert found.way == last.way_back == "pulled"
    assert last.status is DeploymentStatus.ACTIVE
    assert await system.engine.image(image(1)) is not None


async def test_nothing_to_go_back_to_is_said_as_a_rollback_says_it(system: System) -> None:
    shop = await new_shop(system, 1)
    with pytest.raises(Conflict, match="no release before this one"):
        await way_back(system.context, shop.app_id, None)


async def test_the_question_says_what_changes_and_changes_nothing(system: System) -> None:
    shop = await new_shop(system, 1)
    await set_env(shop, COLOUR="blue", ONLY_OLD="1", SAME="x")
    await shop.deploy(2)
    await set_env(shop, COLOUR="green-and-secret", ONLY_OLD=None, ONLY_NEW="1")
    config = system.app(shop.app_id).config
    changed = config.model_copy(update={"resources": Resources(memory="256Mi"), "port": 4000, "min_instances": 2})
    await change_app(
        system.context, shop.app_id, AppChanges(config=changed.model_copy(update={"max_instances": 2})), system.actor
    )
    await shop.deploy(3)
    before = len(system.deployments(shop.app_id))

    found = await way_back(system.context, shop.app_id, None)

    said = "\n".join(found.changes)
    assert "The variable COLOUR gets its earlier value back." in said
    assert "The variable ONLY_OLD comes back." in said
    assert "The variable ONLY_NEW goes away." in said
    assert "SAME" not in said
    assert "green" not in said
    assert "blue" not in said
    assert "The port of web goes from 4000 to 3000." in said
    assert "The memory of web goes from 256Mi to 512Mi." in said
    assert "The number of instances of web goes from 2 to 1." in said
    assert f"{image(3)}" in said
    assert found.target.number == 2
    assert len(system.deployments(shop.app_id)) == before


async def test_everything_of_a_release_comes_back_together(system: System) -> None:
    shop = await new_shop(system, 1)
    await set_env(shop, COLOUR="blue")
    await shop.deploy(2)
    await set_env(shop, COLOUR="green")
    config = system.app(shop.app_id).config.model_copy(update={"port": 4000, "resources": Resources(memory="256Mi")})
    await change_app(system.context, shop.app_id, AppChanges(config=config), system.actor)
    await shop.deploy(3)
    builds = system.engine.calls["build"]

    await back(shop)

    row = shop.instances(InstanceStatus.SERVING)[0]
    spec = system.engine._known(row.container_id).spec
    assert (spec.env["COLOUR"], spec.env["PORT"]) == ("blue", "3000")
    assert spec.memory_bytes == 512 * 1024 * 1024
    assert row.port == 3000
    assert system.engine.calls["build"] == builds


@pytest.mark.parametrize("replicas", [1, 2])
async def test_what_is_paused_is_the_quickest_way(system: System, replicas: int) -> None:
    system.set(keep_paused_seconds=600)
    shop = await new_shop(system, replicas)
    await shop.deploy(2, Behaviour())
    for _ in range(3):
        await system.control("set_aside")

    found = await way_back(system.context, shop.app_id, None)
    last = await back(shop)

    assert found.way == last.way_back == "thawed"
    assert "only have to be thawed" in found.sentence
