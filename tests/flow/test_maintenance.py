"""Maintenance: a page by the one route switch, deployments behind it, and the newest release once it is off."""

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.router import RouteState
from slipyard.domain.errors import Unavailable
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.maintain import maintain
from slipyard.pipeline.stop_app import stop_app
from tests.flow.rollouts import Nth, failing, new_shop
from tests.flow.system import System


async def test_a_deployment_goes_on_behind_the_page_and_shows_once_it_is_off(system: System) -> None:
    shop = await new_shop(system, replicas=2)
    await maintain(system.context, shop.app_id, "New <shelves>", system.actor)
    page = await shop.route()
    assert (page.state, page.message, page.addresses) == (RouteState.MAINTENANCE, "New <shelves>", ())

    await shop.deploy(2)
    await system.control("follow_routes")
    assert shop.last.status is DeploymentStatus.ACTIVE
    assert (await shop.route()).state is RouteState.MAINTENANCE
    assert not (await maintain(system.context, shop.app_id, "New <shelves>", system.actor)).changed

    await maintain(system.context, shop.app_id, None, system.actor)
    assert set((await shop.route()).addresses) == shop.addresses(shop.last)


async def test_turning_it_on_while_a_release_is_switched_to_breaks_no_deployment(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    router, switch = system.context.router, system.context.router.switch

    async def overtaken(route: object) -> None:
        router.switch = switch  # type: ignore[method-assign]
        await maintain(system.context, shop.app_id, "", system.actor)
        await switch(route)  # type: ignore[arg-type]

    router.switch = overtaken  # type: ignore[method-assign]
    await shop.deploy(2)

    assert (shop.last.status, shop.last.attempt) == (DeploymentStatus.ACTIVE, 1)
    assert (await shop.route()).state is RouteState.MAINTENANCE
    await maintain(system.context, shop.app_id, None, system.actor)
    assert set((await shop.route()).addresses) == shop.addresses(shop.last)


async def test_files_that_could_not_follow_are_put_right(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    router = Nth(system.context.router, "switch", 1, Unavailable("The disk is full."))

    with pytest.raises(Unavailable):
        await maintain(failing(system.context, "router", router), shop.app_id, "", system.actor)
    await system.control("follow_routes")

    assert (await shop.route()).state is RouteState.MAINTENANCE


async def test_a_stopped_app_is_still_stopped_when_maintenance_ends(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    await maintain(system.context, shop.app_id, "", system.actor)
    await stop_app(system.context, shop.app_id, system.actor)
    assert (await shop.route()).state is RouteState.MAINTENANCE

    await maintain(system.context, shop.app_id, None, system.actor)

    assert (await shop.route()).state is RouteState.STOPPED


async def test_a_failed_deployment_leaves_the_page_and_the_old_release_behind_it(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    before = (await shop.route()).addresses
    await maintain(system.context, shop.app_id, "", system.actor)
    await shop.deploy(2, Behaviour(complaint="answered 500 on /"))
    assert shop.last.status is DeploymentStatus.FAILED

    assert (await shop.route()).state is RouteState.MAINTENANCE
    await maintain(system.context, shop.app_id, None, system.actor)
    assert (await shop.route()).addresses == before
