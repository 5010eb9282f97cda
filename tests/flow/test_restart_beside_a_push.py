"""A restart runs again what is live: it never takes the place of a push, whichever of the two was asked for first."""

from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.builds.run_build import run_build
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app, start_app, stop_app
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_nothing_is_lost import live_app
from tests.flow.test_push_to_live import push


async def test_a_push_that_is_being_built_goes_live_after_a_restart(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)
    await push(system, app_id, repository, "two", main__py="2")
    restart = await restart_app(system.context, app_id, system.actor)
    await run_deployment(system.context, restart.deployment_id or "")

    await system.settle()

    _, pushed, restarted = system.deployments(app_id)
    assert (pushed.status, restarted.status) == (DeploymentStatus.ACTIVE, DeploymentStatus.SUPERSEDED)


async def test_a_restart_that_comes_too_late_does_not_go_back(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)
    await push(system, app_id, repository, "two", main__py="2")
    restart = await restart_app(system.context, app_id, system.actor)
    _, pushed, _ = system.deployments(app_id)
    await run_build(system.context, pushed.build_id or "")
    await run_deployment(system.context, pushed.id)
    await run_deployment(system.context, restart.deployment_id or "")

    _, pushed, restarted = system.deployments(app_id)
    assert (pushed.status, restarted.status) == (DeploymentStatus.ACTIVE, DeploymentStatus.CANCELLED)
    assert restarted.error == "A newer release went live meanwhile; nothing is left to restart."


async def test_a_push_to_a_stopped_app_goes_live_though_it_was_started_meanwhile(
    system: System, repository: Repository
) -> None:
    app_id = await live_app(system, repository)
    await stop_app(system.context, app_id, system.actor)
    await push(system, app_id, repository, "two", main__py="2")
    start = await start_app(system.context, app_id, system.actor)
    await run_deployment(system.context, start.deployment_id or "")

    await system.settle()

    assert system.deployments(app_id)[1].status is DeploymentStatus.ACTIVE
    assert system.app(app_id).stopped is False
