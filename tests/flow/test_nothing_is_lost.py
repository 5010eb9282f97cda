"""What was accepted reaches one end: with the queue lost, holders frozen, pushes late, and in the middle of a cancel."""

import asyncio
from dataclasses import replace

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.errors import Conflict, LeaseLost
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus, InstanceStatus
from slipyard.pipeline.builds.run_build import run_build
from slipyard.pipeline.cancel import cancel_build, cancel_deployment
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.pushes.receive_push import PushSeen, receive_push
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app, start_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store import claims
from slipyard.store.claims import Holder, claim_build
from tests.engine.polling import until
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push


async def live_app(system: System, repository: Repository) -> str:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    return app_id


async def test_a_flushed_queue_is_made_again_from_the_database(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    system.queue.lossy = True
    await push(system, app_id, repository, "one", main__py="1")
    system.queue.lossy = False

    await system.settle()

    assert system.deployments(app_id)[0].status is DeploymentStatus.ACTIVE


async def test_a_push_whose_receiver_was_killed_is_found(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    commit = repository.commit("one", main__py="1")
    repository.push(system.context.layout.repository(app_id))

    await system.control("pushes")
    assert system.deployments(app_id) == [], "a push that is being received is left to its receiver"
    await system.control("pushes")
    await system.settle()

    (deployment,) = system.deployments(app_id)
    assert (deployment.status, deployment.commit) == (DeploymentStatus.ACTIVE, commit)


async def test_a_frozen_holder_that_thaws_is_refused(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    decision = await push(system, app_id, repository, "one", main__py="1")
    elsewhere = str(Holder("another-machine", 1, "1"))
    frozen = await system.context.database.writing(
        lambda session: claim_build(session, decision.build_id or "", elsewhere, system.clock.now())
    )
    assert frozen is not None

    await system.control("recover")
    assert system.builds(app_id)[0].claim_token == frozen.token, "its lease is not over yet"
    system.clock.ahead += 6
    await system.control("recover")
    await system.settle()

    assert system.deployments(app_id)[0].status is DeploymentStatus.ACTIVE
    with pytest.raises(LeaseLost):
        await system.context.database.writing(lambda session: claims.beat(session, frozen))


async def test_the_wall_clock_expires_nothing(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    decision = await push(system, app_id, repository, "one", main__py="1")
    elsewhere = str(Holder("another-machine", 1, "1"))
    late = replace(system.context)
    held = await late.database.writing(
        lambda session: claim_build(session, decision.build_id or "", elsewhere, system.clock.now())
    )
    assert held is not None

    for _ in range(5):
        await system.context.database.writing(lambda session: claims.beat(session, held))
        await system.control("recover")
        system.clock.ahead += 4

    assert system.builds(app_id)[0].claim_token == held.token


async def test_a_late_message_about_an_older_commit_changes_nothing(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    older = repository.git("rev-parse", "HEAD")
    await push(system, app_id, repository, "two", main__py="2")
    await system.settle()

    late = await receive_push(system.context, PushSeen(app_id, "refs/heads/main", older, None, "github", "dev"))

    assert late.status == "superseded"
    assert "older" in late.message


async def test_cancelling_a_queued_build_ends_its_deployment(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")

    await cancel_build(system.context, app_id, system.builds(app_id)[0].id, system.actor)
    await system.settle()

    assert system.builds(app_id)[0].status is BuildStatus.CANCELLED
    assert system.deployments(app_id)[0].status is DeploymentStatus.CANCELLED


async def test_cancelling_a_running_build_ends_it(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    system.builder.hold.clear()
    working = asyncio.create_task(run_build(system.context, system.builds(app_id)[0].id))
    await until(_truth(lambda: bool(system.builder.builds)))

    await cancel_deployment(system.context, app_id, system.deployments(app_id)[0].id, system.actor)
    await working

    assert system.builds(app_id)[0].status is BuildStatus.CANCELLED
    assert system.deployments(app_id)[0].error == "Cancelled by admin."


async def test_cancelling_a_rollout_leaves_the_old_release_serving(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)
    route = system.route(app_id)
    system.builder.behaviour = Behaviour(ready_after=99)
    await push(system, app_id, repository, "two", main__py="2")
    await run_build(system.context, system.builds(app_id)[-1].id)
    row = system.deployments(app_id)[-1]
    working = asyncio.create_task(run_deployment(system.context, row.id))
    await until(_truth(lambda: system.deployments(app_id)[-1].status is DeploymentStatus.VERIFYING))

    await cancel_deployment(system.context, app_id, row.id, system.actor)
    await working
    await system.settle()

    assert system.deployments(app_id)[-1].status is DeploymentStatus.CANCELLED
    assert system.route(app_id) == route
    assert [each.status for each in system.instances(app_id)] == [InstanceStatus.SERVING, InstanceStatus.RETIRED]


async def test_what_is_over_cannot_be_cancelled(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)

    with pytest.raises(Conflict, match="rollback"):
        await cancel_deployment(system.context, app_id, system.deployments(app_id)[0].id, system.actor)


async def test_going_back_from_the_first_release_is_refused(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)

    with pytest.raises(Conflict, match="no release before"):
        await roll_back(system.context, app_id, None, system.actor)


async def test_a_stopped_app_gives_its_addresses_back_only_after_its_route(
    system: System, repository: Repository
) -> None:
    app_id = await live_app(system, repository)

    await stop_app(system.context, app_id, system.actor)

    assert system.route(app_id).state == "stopped"
    assert system.instances(app_id)[0].status is InstanceStatus.RETIRING
    await system.settle()
    assert system.instances(app_id)[0].status is InstanceStatus.RETIRED
    await start_app(system.context, app_id, system.actor)
    await system.settle()
    assert system.app(app_id).stopped is False
    assert len(system.route(app_id).addresses) == 1


async def test_a_restart_has_new_instances_before_the_old_ones_go(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)

    await restart_app(system.context, app_id, system.actor)
    await system.settle()

    old, new = system.instances(app_id)
    assert (old.status, new.status) == (InstanceStatus.RETIRED, InstanceStatus.SERVING)
    assert old.release_id == new.release_id


async def test_a_container_that_somebody_removed_is_made_again(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)
    (seen,) = await system.context.driver.observe()
    await system.engine.remove(seen.container_id)

    await system.control("heal")

    (healed,) = await system.context.driver.observe()
    assert healed.running
    assert healed.instance_id == system.instances(app_id)[0].id


async def test_a_container_of_a_retired_instance_is_removed(system: System, repository: Repository) -> None:
    """A frozen worker may make one after its thaw."""
    app_id = await live_app(system, repository)
    await push(system, app_id, repository, "two", main__py="2")
    specs = []
    start = system.context.driver.start

    async def remember(spec):
        specs.append(spec)
        return await start(spec)

    await run_build(system.context, system.builds(app_id)[-1].id)
    context = replace(system.context, driver=_with(system.context.driver, start=remember))
    await run_deployment(context, system.deployments(app_id)[-1].id)
    await stop_app(system.context, app_id, system.actor)
    await system.settle()
    await start(specs[0])

    await system.control("heal")

    assert await system.context.driver.observe() == []


async def test_a_deleted_app_leaves_nothing(system: System, repository: Repository) -> None:
    app_id = await live_app(system, repository)

    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    await system.settle()

    app = system.app(app_id)
    assert app.deleted_at is not None
    assert app.subnet is None
    assert await system.context.driver.observe() == []
    assert await system.engine.networks({}) == []
    assert not system.context.layout.repository(app_id).exists()
    assert await system.context.router.current(app_id) is None


def _with(inner, **calls):
    class Changed:
        def __getattr__(self, name):
            return calls.get(name) or getattr(inner, name)

    return Changed()


def _truth(look):
    async def ask() -> bool:
        return look()

    return ask
