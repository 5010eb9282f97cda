"""Which check a release gets, and what becomes of one that never passes it."""

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.store.tables import Release
from tests.flow.system import System

IMAGE = "registry.example/shop:1"
OF_IMAGE = ("/bin/check", "--quick")


async def deployed(system: System, behaviour: Behaviour, **config):
    system.engine.publish(IMAGE, behaviour)
    source = Source(type=SourceType.IMAGE, image=IMAGE)
    made = await create_app(system.context, NewApp("shop", config=AppConfig(source=source, **config)), system.actor)
    await system.work()
    return system.deployments(made.app.id)[0]


async def test_an_image_that_says_how_it_is_checked_is_checked_so(system: System) -> None:
    row = await deployed(system, Behaviour(health_command=OF_IMAGE))

    assert row.status is DeploymentStatus.ACTIVE
    assert system.engine.executed == [OF_IMAGE]
    release = system.read(lambda session: session.get_one(Release, row.release_id))
    assert release.config.services[0].health_check.command == OF_IMAGE


@pytest.mark.parametrize("told", [{"path": "/up"}, {"type": "tcp"}, {"type": "http"}])
async def test_what_the_user_says_wins_over_the_image(system: System, told: dict[str, str]) -> None:
    row = await deployed(system, Behaviour(health_command=OF_IMAGE), health_check=HealthCheck(**told))

    assert row.status is DeploymentStatus.ACTIVE
    assert system.engine.executed == []


async def test_a_check_of_the_image_that_fails_keeps_the_release_from_traffic(system: System) -> None:
    check = HealthCheck(start_period=0.2)
    row = await deployed(
        system, Behaviour(health_command=OF_IMAGE, command_fails="migrating", output=("begun",)), health_check=check
    )

    assert row.status is DeploymentStatus.FAILED
    assert "failed its health command with exit code 1: migrating" in row.error
    assert row.log_tail == ["begun"]
