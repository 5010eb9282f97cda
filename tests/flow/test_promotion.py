"""Promotion: the digest that was live in one app goes live in another, with that one's configuration, and stays its own."""

import pytest
from sqlmodel import select

from slipyard.api.views.deployment_views import deployment_views
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.errors import Conflict, NotFound, ValidationFailed
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.promote import Promotion, promote
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.environment import open_env
from slipyard.store.tables import Build, Deployment, Event, Release
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import QUICK, push


@pytest.fixture
async def pair(system: System, repository: Repository) -> tuple[str, str]:
    """Staging, where a push is live, and production, with a configuration of its own and nothing live yet."""
    new = NewApp("staging", config=QUICK, env={"A": "staging"})
    staging = (await create_app(system.context, new, system.actor)).app.id
    await push(system, staging, repository, "one", main__py="1", Procfile="web: serve\nworker: work\n")
    await system.work()
    config = QUICK.model_copy(update={"min_instances": 2, "max_instances": 2})
    shop = await create_app(system.context, NewApp("shop", config=config, env={"A": "production"}), system.actor)
    return staging, shop.app.id


def release_of(system: System, row: Deployment) -> Release:
    return system.read(lambda session: session.get_one(Release, row.release_id))


async def test_the_same_digest_goes_live_with_the_configuration_of_the_target(
    system: System, pair: tuple[str, str]
) -> None:
    staging, shop = pair
    await promote(system.context, Promotion(staging, shop), system.actor)
    await system.work()

    (here,), (there,) = system.deployments(staging), system.deployments(shop)
    assert (there.status, there.trigger, there.promoted_from) == (DeploymentStatus.ACTIVE, "promotion", here.id)
    made, source = release_of(system, there), release_of(system, here)
    assert made.config.image == source.config.image
    assert {each.name: each.replicas for each in made.config.services} == {"web": 2, "worker": 1}
    assert {row.status for row in system.instances(shop)} == {InstanceStatus.SERVING}
    assert len(system.builds(shop)) == 0
    assert open_env(system.context.cipher, made.env_encrypted) == {"A": "production"}


async def test_what_may_not_be_promoted_says_why(system: System, pair: tuple[str, str]) -> None:
    staging, shop = pair
    live = system.deployments(staging)[0].id

    with pytest.raises(ValidationFailed, match="to itself"):
        await promote(system.context, Promotion(shop, shop), system.actor)
    with pytest.raises(Conflict, match="Nothing of shop is live"):
        await promote(system.context, Promotion(shop, staging), system.actor)
    with pytest.raises(NotFound, match="shop has no deployment"):
        await promote(system.context, Promotion(shop, staging, live), system.actor)
    await delete_app(system.context, shop, system.actor)
    with pytest.raises(Conflict, match="being deleted"):
        await promote(system.context, Promotion(staging, shop), system.actor)
    assert system.deployments(shop) == []


async def test_what_never_was_live_needs_force_and_the_reason_is_kept(
    system: System, pair: tuple[str, str], repository: Repository
) -> None:
    staging, shop = pair
    system.builder.behaviour = Behaviour(ready_after=99, exits_after=0, exit_code=3)
    await push(system, staging, repository, "two", main__py="2")
    await system.work()
    failed = system.deployments(staging)[-1]

    with pytest.raises(Conflict, match="has not proved itself"):
        await promote(system.context, Promotion(staging, shop, failed.id), system.actor)
    row = await promote(system.context, Promotion(staging, shop, failed.id, "staging is broken"), system.actor)

    assert row.force_reason == "staging is broken"
    said = system.read(lambda session: session.exec(select(Event).where(Event.kind == "deployment.forced")).one())
    assert "staging is broken" in said.message


async def test_the_chain_leads_back_to_the_build_also_after_going_back(
    system: System, pair: tuple[str, str], repository: Repository
) -> None:
    staging, shop = pair
    built = system.builds(staging)[0]
    await promote(system.context, Promotion(staging, shop), system.actor)
    await system.work()
    await push(system, shop, repository, "own", main__py="own")
    await system.work()
    await roll_back(system.context, shop, None, system.actor)
    await system.work()

    last = system.deployments(shop)[-1]
    chain = system.read(lambda session: deployment_views(session, [last]))[0].chain
    assert [(link.kind, link.app) for link in chain] == [
        ("build", "staging"),
        ("deployment", "staging"),
        ("deployment", "shop"),
    ]
    assert chain[0].id == built.id
    release = release_of(system, last)
    assert (release.config.commit, release.config.snapshot_digest) == (built.commit, built.snapshot_digest)
    assert (release.config.origin.plan_key, release.build_id) == (built.plan_key, built.id)
    assert release.config.origin.builder is not None


async def test_the_image_outlives_its_source_for_as_long_as_the_target_needs_it(
    system: System, pair: tuple[str, str]
) -> None:
    staging, shop = pair
    built = system.builds(staging)[0]
    await promote(system.context, Promotion(staging, shop), system.actor)
    await system.work()

    await delete_app(system.context, staging, system.actor)
    await system.settle()
    await system.control("clean_up_old")
    assert system.app(staging).deleted_at is not None
    assert await system.engine.image(str(built.image_reference)) is not None
    await delete_app(system.context, shop, system.actor)
    await system.settle()
    await system.control("clean_up_old")
    assert system.app(shop).deleted_at is not None
    assert await system.engine.image(str(built.image_reference)) is None
    assert system.read(lambda session: session.get_one(Build, built.id)).image_removed_at is not None
