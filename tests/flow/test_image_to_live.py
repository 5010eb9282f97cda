"""An app made of an image in a registry: what is said where there is no such registry, and how often one is tried."""

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import HostUnknown, Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.store.tables import Deployment
from tests.flow.system import System

QUICK = AppConfig(health_check=HealthCheck(start_period=1))


async def deploy_image(system: System, image: str) -> Deployment:
    app_id = (await create_app(system.context, NewApp("shop", config=QUICK), system.actor)).app.id
    await deploy_app(system.context, app_id, DeployRequest(image=image), system.actor)
    await system.settle()
    return system.deployments(app_id)[-1]


async def test_a_registry_whose_name_does_not_exist_is_said_at_once_and_tried_once(system: System) -> None:
    system.engine.fail_next("pull", HostUnknown("lookup ghrc.io: no such host."), times=4)

    deployment = await deploy_image(system, "ghrc.io/team/shop:1")

    assert (deployment.status, deployment.attempt) == (DeploymentStatus.FAILED, 1)
    assert "There is no registry ghrc.io" in (deployment.error or "")
    assert "Check how ghrc.io/team/shop:1 is spelled" in (deployment.error or "")


async def test_a_name_server_that_is_away_for_a_moment_delays_and_does_not_fail(system: System) -> None:
    system.engine.fail_next("pull", Unavailable("lookup ghcr.io: server misbehaving."))
    system.engine.publish("ghcr.io/team/shop:1")

    deployment = await deploy_image(system, "ghcr.io/team/shop:1")

    assert (deployment.status, deployment.attempt) == (DeploymentStatus.ACTIVE, 2)
