"""Images that CI built of commits: an older commit never takes the place of a newer one, whatever arrives when."""

import asyncio

from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_built_image import BuiltImage, Outcome, deploy_built_image
from slipyard.pipeline.pushes.receive_push import PushSeen, receive_push
from tests.flow.repository import Repository
from tests.flow.system import System

IMAGE = "registry.example.org/acme/shop@sha256:" + "a" * 64
OTHER = "registry.example.org/acme/shop@sha256:" + "b" * 64


async def shop(system: System, source: Source | None = None) -> str:
    config = AppConfig(source=source or Source(), health_check=HealthCheck(start_period=1))
    for reference in (IMAGE, OTHER):
        system.engine.publish(reference)
    return (await create_app(system.context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


async def built(system: System, app_id: str, commit: str | None, image: str = IMAGE) -> Outcome:
    return await deploy_built_image(system.context, app_id, BuiltImage(image, commit), system.actor)


def commits(system: System, app_id: str, repository: Repository, count: int) -> list[str]:
    made = [repository.commit(f"commit {number}", main__py=str(number)) for number in range(count)]
    repository.push(system.context.layout.repository(app_id))
    return made


async def test_an_older_commit_is_known_by_ancestry(system: System, repository: Repository) -> None:
    app_id = await shop(system)
    first, second, third = commits(system, app_id, repository, 3)
    await built(system, app_id, second)

    late = await built(system, app_id, first, OTHER)
    assert late.deployment is None
    assert f"{first[:12]} is older than {second[:12]}" in late.message
    assert system.app(app_id).config.source.image == IMAGE

    assert (await built(system, app_id, second, OTHER)).deployment is not None, "the same commit, built again"
    assert (await built(system, app_id, third)).deployment is not None
    await system.settle()
    assert [row.commit for row in system.deployments(app_id)] == [second, second, third]
    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE


async def test_a_commit_that_was_pushed_counts_too(system: System, repository: Repository) -> None:
    app_id = await shop(system)
    first, second = commits(system, app_id, repository, 2)
    await receive_push(system.context, PushSeen(app_id, "refs/heads/main", second, None, "git", "dev"))

    assert (await built(system, app_id, first)).deployment is None
    assert system.app(app_id).config.source.type is SourceType.GIT


async def test_without_its_repository_the_history_tells(system: System) -> None:
    """All that can be known then: a job that is run again is old, one that comes late for the first time is not."""
    app_id = await shop(system, Source(type=SourceType.IMAGE, image=IMAGE))
    one, two = "1" * 40, "2" * 40
    await built(system, app_id, one)
    await built(system, app_id, two, OTHER)

    assert (await built(system, app_id, one)).deployment is None
    assert (await built(system, app_id, "3" * 40)).deployment is not None
    assert (await built(system, app_id, None)).deployment is not None, "who names no commit asks for no order"


async def test_of_many_at_once_the_newest_wins(system: System, repository: Repository) -> None:
    app_id = await shop(system)
    made = commits(system, app_id, repository, 4)

    done = await asyncio.gather(*(built(system, app_id, commit) for commit in made), return_exceptions=True)

    assert not [each for each in done if isinstance(each, Exception)]
    deployed = [row.commit for row in system.deployments(app_id)]
    assert deployed == sorted(deployed, key=made.index)
    assert deployed[-1] == made[-1]
    assert system.app(app_id).decided_commit == made[-1]


async def test_the_repository_of_the_app_is_kept_beside_the_image(system: System) -> None:
    url = "https://git.example.org/acme/shop.git"
    app_id = await shop(system, Source(repo_url=url))
    await built(system, app_id, None)
    source = system.app(app_id).config.source
    assert (source.type, source.image, source.repo_url) == (SourceType.IMAGE, IMAGE, url)
