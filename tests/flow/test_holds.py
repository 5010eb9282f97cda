"""What waits on purpose: for another person, an unlocked app, the end of a freeze. Nobody works on it, and it says why."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from slipyard.api.views.deployment_views import deployment_views
from slipyard.domain.actor import Actor
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Conflict, InsufficientScope, Locked
from slipyard.domain.freeze import FreezeWindow
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.lock_app import lock_app, unlock_app
from slipyard.pipeline.rollout.approve_deployment import approve_deployment, reject_deployment
from slipyard.pipeline.stop_app import restart_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Deployment
from tests.flow.repository import Repository
from tests.flow.rollouts import Shop, image, new_shop
from tests.flow.system import System
from tests.flow.test_push_to_live import push

ALWAYS = (FreezeWindow(reason="Christmas"),)


async def shop_with(system: System, **config: object) -> Shop:
    """Version 1 is live, then the app becomes what `config` says."""
    shop = await new_shop(system, replicas=1)
    await configure(shop, **config)
    return shop


async def configure(shop: Shop, **config: object) -> None:
    changed = AppConfig(health_check=HealthCheck(start_period=0.5), **config)  # type: ignore[arg-type]
    await change_app(shop.system.context, shop.app_id, AppChanges(config=changed), shop.system.actor)


def somebody(system: System, name: str = "colleague") -> Actor:
    return replace(system.actor, principal=f"tok_{name}", name=name)


def waits_for(shop: Shop, row: Deployment | None = None) -> str | None:
    return shop.system.read(lambda session: deployment_views(session, [row or shop.last]))[0].waits_for


async def control(system: System, passes: int = 3) -> None:
    for _ in range(passes):
        await system.control("wake", "go_on")
        await system.work()


async def test_a_protected_app_waits_for_somebody_else(system: System) -> None:
    shop = await shop_with(system, protected=True)

    await shop.deploy(2)
    await control(system)

    assert (shop.last.status, shop.last.claim_token) == (DeploymentStatus.PENDING, None)
    assert waits_for(shop) == "Waits for approval by somebody else than admin."
    with pytest.raises(InsufficientScope, match="somebody else approves"):
        await approve_deployment(system.context, shop.app_id, shop.last.id, system.actor)
    await approve_deployment(system.context, shop.app_id, shop.last.id, somebody(system))
    await system.work()
    assert (shop.last.status, shop.last.approved_by) == (DeploymentStatus.ACTIVE, "colleague")
    with pytest.raises(Conflict, match="nothing to approve"):
        await approve_deployment(system.context, shop.app_id, shop.last.id, somebody(system, "third"))


async def test_lifting_the_protection_lets_nothing_go_that_waits(system: System) -> None:
    shop = await shop_with(system, protected=True)
    await shop.deploy(2)

    await configure(shop)
    await control(system)

    assert shop.last.status is DeploymentStatus.PENDING


async def test_what_is_rejected_never_runs_and_leaves_nothing_waiting(system: System) -> None:
    shop = await shop_with(system, protected=True)
    await shop.deploy(2)

    await reject_deployment(system.context, shop.app_id, shop.last.id, "not today", somebody(system))
    await control(system)

    assert (shop.last.status, shop.last.error) == (DeploymentStatus.CANCELLED, "Rejected by colleague: not today.")
    assert waits_for(shop) is None
    assert sum(shop.serving.values()) == 1


async def test_a_push_is_built_and_then_waits_and_its_pusher_does_not_approve(
    system: System, repository: Repository
) -> None:
    config = AppConfig(health_check=HealthCheck(start_period=1), protected=True)
    app_id = (await create_app(system.context, NewApp("shop", config=config), system.actor)).app.id
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    (row,) = system.deployments(app_id)
    assert (row.status, row.release_id is not None) == (DeploymentStatus.BUILDING, True)
    with pytest.raises(InsufficientScope):
        await approve_deployment(system.context, app_id, row.id, somebody(system, "dev"))
    await approve_deployment(system.context, app_id, row.id, somebody(system))
    await system.settle()
    assert system.deployments(app_id)[0].status is DeploymentStatus.ACTIVE


async def test_a_locked_app_takes_deployments_and_the_newest_goes_when_it_is_unlocked(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    await lock_app(system.context, shop.app_id, "counting stock", system.actor)

    await shop.deploy(2)
    await shop.deploy(3)
    await control(system)

    assert [row.status for row in system.deployments(shop.app_id)] == ["active", "cancelled", "pending"]
    assert (
        waits_for(shop) == "Waits: shop is locked by admin: counting stock. `slipyard unlock shop` lets deployments go."
    )
    await unlock_app(system.context, shop.app_id, system.actor)
    await system.work()
    assert shop.last.status is DeploymentStatus.ACTIVE
    assert not (await unlock_app(system.context, shop.app_id, system.actor)).changed


async def test_what_waited_for_a_worker_when_the_app_was_locked_waits_too(system: System) -> None:
    shop = await new_shop(system, replicas=1)
    await shop.ask(2)

    await lock_app(system.context, shop.app_id, "", system.actor)
    await system.work()

    assert shop.last.status is DeploymentStatus.PENDING


async def test_going_back_on_a_locked_app_needs_force_and_is_held_by_nothing_else(system: System) -> None:
    shop = await shop_with(system)
    await shop.deploy(2)
    await configure(shop, protected=True, freeze=ALWAYS)
    await lock_app(system.context, shop.app_id, "", system.actor)

    with pytest.raises(Locked, match="--force"):
        await roll_back(system.context, shop.app_id, None, system.actor)
    await roll_back(system.context, shop.app_id, None, system.actor, force=True)
    await system.work()

    assert (shop.last.trigger, shop.last.status) == ("rollback", DeploymentStatus.ACTIVE)


async def test_a_freeze_says_until_when_and_goes_on_by_itself(system: System) -> None:
    shop = await shop_with(system, freeze=ALWAYS)
    await shop.deploy(2)
    await control(system)

    assert shop.last.status is DeploymentStatus.PENDING
    assert "Waits for the end of a freeze (Christmas) at " in (waits_for(shop) or "")
    await configure(shop)
    await control(system)
    assert shop.last.status is DeploymentStatus.ACTIVE


async def test_a_freeze_ends_by_the_clock(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon")
    today = system.clock.now().weekday()
    shop = await shop_with(system, freeze=(FreezeWindow.model_validate({"days": days[today : today + 2]}),))
    await shop.deploy(2)

    later = shop.last.parked_until
    assert isinstance(later, datetime)
    monkeypatch.setattr(system.clock, "now", lambda: later + timedelta(seconds=1))
    await control(system)

    assert shop.last.status is DeploymentStatus.ACTIVE


async def test_force_with_a_reason_goes_through_a_freeze_and_a_restart_needs_none(system: System) -> None:
    shop = await shop_with(system, freeze=ALWAYS)
    await restart_app(system.context, shop.app_id, system.actor)
    await system.work()
    assert shop.last.status is DeploymentStatus.ACTIVE

    system.engine.publish(image(2))
    forced = DeployRequest(image=image(2), force_reason="the till is down")
    await deploy_app(system.context, shop.app_id, forced, system.actor)
    await system.work()

    assert (shop.last.status, shop.last.force_reason) == (DeploymentStatus.ACTIVE, "the till is down")
