"""A push, end to end, on fakes: what goes live, what does not, and that the old release serves on."""

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import BuildFailed, Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.pushes.receive_push import PushDecision, PushSeen, receive_push
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.repository import Repository
from tests.flow.system import System

QUICK = AppConfig(health_check=HealthCheck(start_period=1))


async def new_app(system: System) -> str:
    return (await create_app(system.context, NewApp("shop", config=QUICK), system.actor)).app.id


async def push(system: System, app_id: str, repository: Repository, message: str, **files: str) -> PushDecision:
    commit = repository.commit(message, **files)
    repository.push(system.context.layout.repository(app_id))
    return await receive_push(system.context, PushSeen(app_id, "refs/heads/main", commit, None, "git", "dev"))


async def test_a_build_that_fails_leaves_the_old_release_serving(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    route = system.route(app_id)
    system.builder.fail_next(BuildFailed("RUN pip install ended with code 1.", log_tail=["no such package"]))

    await push(system, app_id, repository, "two", main__py="2")
    await system.settle()

    first, second = system.deployments(app_id)
    assert (first.status, second.status) == (DeploymentStatus.ACTIVE, DeploymentStatus.FAILED)
    assert second.error == "RUN pip install ended with code 1."
    assert second.log_tail == ["no such package"]
    assert system.route(app_id) == route


async def test_a_release_that_crashes_never_receives_traffic(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    route = system.route(app_id)
    system.builder.behaviour = Behaviour(ready_after=99, exits_after=0, exit_code=3, output=("boom",))

    await push(system, app_id, repository, "two", main__py="2")
    await system.settle()

    failed = system.deployments(app_id)[-1]
    assert failed.status is DeploymentStatus.FAILED
    assert "3" in (failed.error or "")
    assert failed.log_tail == ["boom"]
    assert system.route(app_id) == route
    assert "boom" in system.deployment_log(failed.id)
    left = [row.status for row in system.instances(app_id) if row.deployment_id == failed.id]
    assert left == [InstanceStatus.RETIRED]


async def test_a_release_that_never_answers_says_what_to_do(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    system.builder.behaviour = Behaviour(port=9999)

    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    (failed,) = system.deployments(app_id)
    assert failed.status is DeploymentStatus.FAILED
    assert "PORT" in (failed.error or "")


async def test_a_push_goes_live(system: System, repository: Repository) -> None:
    app_id = await new_app(system)

    decision = await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    (deployment,) = system.deployments(app_id)
    (build,) = system.builds(app_id)
    (instance,) = system.instances(app_id)
    assert decision.status == "deployed"
    assert (build.status, deployment.status) == (BuildStatus.SUCCEEDED, DeploymentStatus.ACTIVE)
    assert instance.status is InstanceStatus.SERVING
    assert system.route(app_id).addresses == [f"{instance.address}:3000"]
    assert [span.name for span in build.spans] == ["fetch", "snapshot", "plan", "build"]
    assert {span.name for span in deployment.spans} >= {"start", "probe"}
    assert "Live at http://shop.localhost:8080" in system.deployment_log(deployment.id)


async def test_the_new_release_takes_over_and_the_old_instances_go(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    await push(system, app_id, repository, "two", main__py="2")
    await system.settle()

    assert [row.status for row in system.deployments(app_id)] == [DeploymentStatus.SUPERSEDED, DeploymentStatus.ACTIVE]
    old, new = system.instances(app_id)
    assert (old.status, new.status) == (InstanceStatus.RETIRED, InstanceStatus.SERVING)
    assert old.address != new.address


async def test_two_pushes_in_a_row_end_with_the_newer_one_live(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await push(system, app_id, repository, "two", main__py="2")
    head = repository.git("rev-parse", "HEAD")

    await system.settle()

    first, second = system.builds(app_id)
    assert (first.status, second.status) == (BuildStatus.SUPERSEDED, BuildStatus.SUCCEEDED)
    assert system.deployments(app_id)[0].status is DeploymentStatus.CANCELLED
    assert system.deployments(app_id)[-1].commit == head


async def test_the_same_commit_again_is_already_live(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    again = await receive_push(
        system.context,
        PushSeen(app_id, "refs/heads/main", repository.git("rev-parse", "HEAD"), None, "git", "dev"),
    )

    assert again.status == "ignored"
    assert "already live" in again.message


async def test_an_unchanged_tree_is_not_built_again(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    await push(system, app_id, repository, "nothing changed")
    await system.settle()

    assert len(system.builder.builds) == 1
    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE
    assert "used again" in system.build_log(system.builds(app_id)[-1].id)


async def test_going_back_restores_the_release_without_a_build(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    await push(system, app_id, repository, "two", main__py="2")
    await system.settle()
    first = system.deployments(app_id)[0]

    await roll_back(system.context, app_id, None, system.actor)
    await system.settle()

    back = system.deployments(app_id)[-1]
    assert (back.status, back.release_id) == (DeploymentStatus.ACTIVE, first.release_id)
    assert len(system.builder.builds) == 2


async def test_an_engine_that_is_away_for_a_moment_delays_and_does_not_fail(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system)
    system.engine.fail_next("create_container", Unavailable("The engine does not answer."))

    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    (deployment,) = system.deployments(app_id)
    assert (deployment.status, deployment.attempt) == (DeploymentStatus.ACTIVE, 2)
