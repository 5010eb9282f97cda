"""The worker dies at any step: the work is resumed, ends in one terminal state, and has one side effect."""

import pytest

from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus
from slipyard.pipeline.builds.run_build import run_build
from slipyard.pipeline.rollout.run_deployment import run_deployment
from tests.flow.deaths import Killed, doomed_context
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push

IN_A_BUILD = [("git", "commit_facts"), ("git", "pin"), ("image_builder", "build"), ("driver", "ensure_image")]
IN_A_ROLLOUT = [
    ("driver", "ensure_network"),
    ("driver", "start"),
    ("driver", "wait_ready"),
    ("router", "switch"),
]


async def die(system: System, part: str, call: str, *, after: bool) -> None:
    """The next worker to be woken dies there; its wake-up is gone with it."""
    kind, row_id = system.queue.waiting.popleft()
    with pytest.raises(Killed):
        await {"build": run_build, "deploy": run_deployment}[kind](
            doomed_context(system, part, call, after=after), row_id
        )


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "call"), IN_A_BUILD)
async def test_a_build_is_resumed(system: System, repository: Repository, part: str, call: str, *, after: bool) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")

    await die(system, part, call, after=after)
    await system.settle()

    (build,) = system.builds(app_id)
    (deployment,) = system.deployments(app_id)
    assert (build.status, build.attempt) == (BuildStatus.SUCCEEDED, 2)
    assert deployment.status is DeploymentStatus.ACTIVE
    assert len(system.instances(app_id)) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "call"), IN_A_ROLLOUT)
async def test_a_rollout_is_resumed_with_the_containers_that_it_had(
    system: System, repository: Repository, part: str, call: str, *, after: bool
) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await run_build(system.context, system.queue.waiting.popleft()[1])

    await die(system, part, call, after=after)
    await system.settle()

    (deployment,) = system.deployments(app_id)
    (instance,) = system.instances(app_id)
    assert (deployment.status, deployment.attempt) == (DeploymentStatus.ACTIVE, 2)
    assert instance.status is InstanceStatus.SERVING
    assert len(await system.context.driver.observe()) == 1
    current = await system.context.router.current(app_id)
    assert current is not None
    assert list(current.addresses) == system.route(app_id).addresses == [f"{instance.address}:3000"]


async def test_a_worker_killed_after_the_switch_whose_release_then_dies_gives_the_old_one_its_traffic_back(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    (old,) = system.instances(app_id)
    await push(system, app_id, repository, "two", main__py="2")
    await run_build(system.context, system.queue.waiting.popleft()[1])
    await die(system, "router", "switch", after=True)
    for seen in await system.context.driver.observe():
        if seen.instance_id != old.id:
            await system.engine.remove(seen.container_id)
    system.engine.fail_next("create_container", _broken(), times=1)

    await system.settle()

    current = await system.context.router.current(app_id)
    assert system.deployments(app_id)[-1].status is DeploymentStatus.FAILED
    assert current is not None
    assert current.addresses == (f"{old.address}:3000",)


async def test_work_that_kills_every_worker_is_given_up_with_a_reason(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")

    for _ in range(4):
        await die(system, "image_builder", "build", after=False)
        await system.control("recover")
    await system.settle()

    (build,) = system.builds(app_id)
    assert build.status is BuildStatus.FAILED
    assert "attempts" in (build.error or "")
    assert system.deployments(app_id)[0].status is DeploymentStatus.FAILED


def _broken() -> Exception:
    from slipyard.domain.errors import RolloutFailed

    return RolloutFailed("The web instance could not be started.")
