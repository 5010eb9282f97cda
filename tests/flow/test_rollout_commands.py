"""The release command and the hooks: before anything of the release starts, once, with its output, and never in the way."""

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Instance
from tests.flow.deaths import Killed
from tests.flow.repository import Repository
from tests.flow.rollouts import Nth, Shop, doomed
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push

COMMANDS = {"release_command": "migrate", "before_deploy": ["back", "up"], "after_deploy": "warm"}


def doing(**by_command: Behaviour) -> Behaviour:
    """What is not named succeeds at once."""
    done = Behaviour(exits_after=0, output=("done",))
    commands = {"migrate": done, "back up": done, "warm": done} | by_command
    return Behaviour(by_command=tuple(commands.items()))


FAILS = Behaviour(exits_after=0, exit_code=3, output=("no such table", "giving up"))
NEVER_ENDS = Behaviour(output=("begun",))


async def shop_with(system: System, seconds: float = 60, **commands) -> Shop:
    check = HealthCheck(start_period=0.5)
    config = AppConfig(health_check=check, command_seconds=seconds, **(commands or COMMANDS))
    made = await create_app(system.context, NewApp("shop", config=config), system.actor)
    return Shop(system, made.app.id)


def ran(shop: Shop, deployment=None) -> list[str]:
    """In order."""
    rows = shop.system.instances(shop.app_id)
    return [row.service for row in rows if deployment is None or row.deployment_id == deployment.id]


async def test_each_has_its_moment_and_leaves_nothing(system: System) -> None:
    shop = await shop_with(system)

    last = await shop.deploy(1, doing())

    assert last.status is DeploymentStatus.ACTIVE
    assert ran(shop) == ["before_deploy", "release", "web", "after_deploy"]
    assert [span.name for span in last.spans] == [
        "pull",
        "before_deploy",
        "release",
        "start",
        "probe",
        "switch",
        "after_deploy",
    ]
    assert system.deployment_log(last.id).count("  | done") == 3
    await system.settle()
    assert await shop.running() == 1
    assert len(await system.context.driver.observe()) == 1


@pytest.mark.parametrize("moment", ["back up", "migrate"])
async def test_one_that_fails_leaves_the_old_release_untouched(system: System, moment: str) -> None:
    shop = await shop_with(system)
    first = await shop.deploy(1, doing())
    route = await shop.route()

    last = await shop.deploy(2, doing(**{moment: FAILS}))

    assert last.status is DeploymentStatus.FAILED
    assert last.error in {"The release command exited with code 3.", "The before_deploy command exited with code 3."}
    assert last.log_tail == ["no such table", "giving up"]
    assert "web" not in ran(shop, last)
    assert shop.serving == {first.id: 1}
    assert await shop.route() == route
    await system.settle()
    assert len(await system.context.driver.observe()) == 1


async def test_one_after_that_fails_is_said_and_changes_nothing(system: System) -> None:
    shop = await shop_with(system)

    last = await shop.deploy(1, doing(warm=FAILS))

    assert last.status is DeploymentStatus.ACTIVE
    assert "The after_deploy command exited with code 3. The release is live all the same." in system.deployment_log(
        last.id
    )
    assert shop.serving == {last.id: 1}


async def test_one_that_never_ends_is_stopped(system: System) -> None:
    shop = await shop_with(system, 0.2, release_command="migrate")

    last = await shop.deploy(1, doing(migrate=NEVER_ENDS))

    assert last.status is DeploymentStatus.FAILED
    assert "The release command did not end within 0.2 s" in last.error
    assert last.log_tail == ["begun"]
    await system.settle()
    assert await shop.running() == 0


async def test_a_cancel_ends_it(system: System) -> None:
    shop = await shop_with(system)
    await shop.ask(1, doing(migrate=NEVER_ENDS))
    logs = system.context.driver.logs

    def cancelling(instance_id, **options):
        system.context.driver.logs = logs

        async def lines():
            await cancel_deployment(system.context, shop.app_id, shop.last.id, system.actor)
            async for line in logs(instance_id, **options):
                yield line

        return lines()

    system.context.driver.logs = cancelling
    await system.work()

    assert shop.last.status is DeploymentStatus.CANCELLED
    await system.settle()
    assert await shop.running() == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["run_once", "wait_end"])
async def test_a_worker_killed_meanwhile_is_followed_by_one_that_waits_for_the_same_run(
    system: System, call: str, *, after: bool
) -> None:
    shop = await shop_with(system, release_command="migrate")
    await shop.ask(1, doing())
    deadly = Nth(system.context.driver, call, 1, Killed(), after)
    with pytest.raises(Killed):
        await run_deployment(doomed(system, "driver", deadly), system.queue.waiting.popleft()[1])
    starts = system.engine.calls["start"]

    await system.settle()

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert ran(shop) == ["release", "web"]
    assert system.engine.calls["start"] == starts + (2 if (call, after) == ("run_once", False) else 1)
    row = system.read(lambda session: session.get_one(Instance, system.instances(shop.app_id)[0].id))
    assert row.exit_code == 0


async def test_one_whose_container_somebody_removed_is_not_run_again(system: System) -> None:
    shop = await shop_with(system, release_command="migrate")
    await shop.ask(1, doing(migrate=NEVER_ENDS))
    deadly = Nth(system.context.driver, "look", 2, Killed(), after=False)
    with pytest.raises(Killed):
        await run_deployment(doomed(system, "driver", deadly), system.queue.waiting.popleft()[1])
    (row,) = shop.instances(InstanceStatus.STARTED)
    await system.engine.remove(row.container_id)

    await system.settle()

    assert shop.last.status is DeploymentStatus.FAILED
    assert "It is not run a second time" in shop.last.error


async def test_going_back_migrates_nothing_and_has_its_hooks(system: System) -> None:
    shop = await shop_with(system)
    await shop.deploy(1, doing())
    await shop.deploy(2, doing())

    await roll_back(system.context, shop.app_id, None, system.actor)
    await system.work()

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert ran(shop, shop.last) == ["before_deploy", "web", "after_deploy"]


async def test_a_restart_runs_none(system: System) -> None:
    shop = await shop_with(system)
    await shop.deploy(1, doing())

    await restart_app(system.context, shop.app_id, system.actor)
    await system.work()

    assert ran(shop, shop.last) == ["web"]


async def test_a_release_that_failed_after_its_command_runs_it_again(system: System) -> None:
    """A new attempt of the user is a new release; what migrates must stand being run again."""
    shop = await shop_with(system)
    await shop.deploy(1, Behaviour(complaint="answered 500 on /", by_command=doing().by_command))
    assert shop.last.status is DeploymentStatus.FAILED

    last = await shop.deploy(2, doing())

    assert ran(shop, last)[:2] == ["before_deploy", "release"]


async def test_the_line_of_a_procfile_is_the_default(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    system.builder.behaviour = doing()

    await push(
        system, app_id, repository, "one", main__py="1", Procfile="web: python main.py\nrelease: migrate --all\n"
    )
    await system.settle()

    (deployment,) = system.deployments(app_id)
    assert "Running the release command." in system.deployment_log(deployment.id)
