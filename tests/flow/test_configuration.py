"""Variables and secrets: each change is a version and a release, references are resolved, and going back restores both."""

import pytest

from slipyard.domain.actor import Actor
from slipyard.domain.app import AppConfig
from slipyard.domain.configuration import SecretUse
from slipyard.domain.errors import Conflict, NotFound, SlipyardError, ValidationFailed
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.rollout import Strategy
from slipyard.pipeline.builds.load_build import load_build
from slipyard.pipeline.configuration.change_configuration import Changed, change_env, restore_version
from slipyard.pipeline.configuration.change_secrets import NewSecret, remove_secret, set_secret
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.stop_app import stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.pipeline.write_down import AskedBuild, write_build
from slipyard.store.configuration import list_versions
from slipyard.store.environment import env_of, open_env, open_files
from slipyard.store.tables import App, Release
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System


async def change(shop: Shop, *, deploy: bool = True, **values: str | None) -> Changed:
    system = shop.system
    done = await change_env(system.context, shop.app_id, values, replace=False, actor=system.actor, release=deploy)
    await system.work()
    return done


async def secret(shop: Shop, name: str, value: str | None = "s3cret", **how: str | SecretUse) -> Changed:
    done = await set_secret(shop.system.context, shop.app_id, NewSecret(name, value, **how), shop.system.actor)
    await shop.system.work()
    return done


def release_of(shop: Shop) -> Release:
    return shop.system.read(lambda session: session.get_one(Release, shop.last.release_id))


def given(shop: Shop) -> dict[str, str]:
    """What the newest release gives its containers."""
    return open_env(shop.system.context.cipher, release_of(shop).env_encrypted)


def told(shop: Shop) -> dict[str, str]:
    return shop.system.read(lambda session: env_of(session, shop.system.context.cipher, shop.app_id))


def summaries(shop: Shop) -> list[str]:
    rows, _ = shop.system.read(lambda session: list_versions(session, shop.app_id, 100, 0))
    return [f"{row.number} {row.summary}" for row in rows]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("${secret:GONE}", "there is no such secret"),
        ("${app:gone.url}", "There is no app 'gone'"),
        ("${app:shop.LOOP}", "in a circle"),
    ],
)
async def test_a_reference_to_nothing_changes_nothing(system: System, value: str, sentence: str) -> None:
    shop = await new_shop(system, 1)
    await change(shop, KEPT="1")
    before = (shop.last, told(shop), summaries(shop))

    with pytest.raises(SlipyardError, match=sentence):
        await change(shop, KEPT="2", LOOP=value)

    assert (shop.last, told(shop), summaries(shop)) == before


async def test_a_secret_that_a_variable_refers_to_stays(system: System) -> None:
    shop = await new_shop(system, 1)
    await secret(shop, "PASSWORD")
    await change(shop, URL="db://${secret:PASSWORD}")

    with pytest.raises(ValidationFailed, match=r"URL of shop refers to .*PASSWORD"):
        await remove_secret(system.context, shop.app_id, "PASSWORD", system.actor)
    with pytest.raises(NotFound):
        await remove_secret(system.context, shop.app_id, "OTHER", system.actor)

    await change(shop, URL=None)
    await remove_secret(system.context, shop.app_id, "PASSWORD", system.actor)
    assert told(shop) == {}


async def test_another_app_may_not_be_read_with_a_token_that_does_not_see_it(system: System) -> None:
    shop = await new_shop(system, 1)
    await create_app(system.context, NewApp("db", env={"PASSWORD": "s3cret"}), system.actor)
    bound = Actor("tok_1", "ci", system.actor.organization_id, frozenset({"apps:write"}), shop.app_id)

    with pytest.raises(NotFound, match="There is no app 'db'"):
        await change_env(
            system.context, shop.app_id, {"STOLEN": "${app:db.PASSWORD}"}, replace=False, actor=bound, release=True
        )
    with pytest.raises(NotFound, match="There is no app 'db'"):
        await deploy_app(system.context, shop.app_id, DeployRequest(env={"A": "${app:db.PASSWORD}"}), bound)


async def test_what_is_live_restarts_with_the_change_and_nothing_else_is_asked(system: System) -> None:
    shop = await new_shop(system, 1)
    image = release_of(shop).config.image

    done = await change(shop, COLOUR="red")

    assert shop.last.id == done.deployment.id
    assert (shop.last.status, shop.last.trigger) == (DeploymentStatus.ACTIVE, "config")
    assert done.message == "shop restarts as deployment 2: web (1), by rolling, without downtime."
    assert (given(shop), release_of(shop).config.image) == ({"COLOUR": "red"}, image)
    assert (await change(shop, COLOUR="red")).message == "Nothing changes: it is so already."
    assert shop.last.id == done.deployment.id


async def test_a_secret_that_nothing_refers_to_yet_restarts_nothing(system: System) -> None:
    shop = await new_shop(system, 1)

    unused = await secret(shop, "PASSWORD")
    for_builds = await secret(shop, "NPM_TOKEN", use=SecretUse.BUILD)

    assert shop.last.number == 1
    assert unused.message == for_builds.message == "Nothing that runs in shop changes, so nothing restarts."
    await change(shop, URL="db://${secret:PASSWORD}")
    assert (await secret(shop, "PASSWORD", "another")).deployment is not None


async def test_a_change_with_downtime_says_so_beforehand(system: System) -> None:
    shop = await new_shop(system, 1, strategy=Strategy.RECREATE)

    done = await change(shop, COLOUR="red")

    assert done.downtime
    assert "requests wait until the new ones are ready" in done.message


async def test_what_is_stopped_or_was_never_live_stays_so(system: System) -> None:
    made = await create_app(system.context, NewApp("new"), system.actor)
    never = await change_env(system.context, made.app.id, {"A": "1"}, replace=False, actor=system.actor, release=True)
    shop = await new_shop(system, 1)
    await stop_app(system.context, shop.app_id, system.actor)
    stopped = await change(shop, A="1")

    assert (never.deployment, stopped.deployment) == (None, None)
    assert never.message == "new was never live, so nothing restarts. It counts from the next deployment of new on."
    assert stopped.message.startswith("shop is stopped, so nothing restarts.")


async def test_a_deployment_on_its_way_takes_the_change_along_and_is_not_overtaken(system: System) -> None:
    shop = await new_shop(system, 1)
    system.engine.publish("registry.example/shop:new")
    request = DeployRequest(image="registry.example/shop:new")
    waiting = await deploy_app(system.context, shop.app_id, request, system.actor)

    done = await change(shop, COLOUR="red")

    assert done.deployment.id == waiting.id
    assert done.message == f"Deployment {waiting.number} of shop is on its way, and takes it along."
    assert (shop.last.id, shop.last.status) == (waiting.id, DeploymentStatus.ACTIVE)
    assert (given(shop), release_of(shop).config.image.reference) == ({"COLOUR": "red"}, "registry.example/shop:new")


async def test_going_back_to_a_version_is_a_new_version_with_its_secrets(system: System) -> None:
    shop = await new_shop(system, 1)
    await secret(shop, "PASSWORD", "first")
    await change(shop, URL="db://${secret:PASSWORD}", OLD="1")
    await secret(shop, "PASSWORD", "second")
    await change(shop, OLD=None, NEW="1")
    assert given(shop) == {"URL": "db://second", "NEW": "1"}

    await restore_version(system.context, shop.app_id, 2, system.actor)
    await system.work()

    assert given(shop) == {"URL": "db://first", "OLD": "1"}
    assert summaries(shop)[0] == "5 Back to version 2."
    with pytest.raises(NotFound, match="no version 9"):
        await restore_version(system.context, shop.app_id, 9, system.actor)


async def test_a_rollback_restores_the_secrets_that_the_release_was_made_with(system: System) -> None:
    shop = await new_shop(system, 1)
    await secret(shop, "KEY", "first", path="/run/secrets/key", mode="0440")
    first = release_of(shop)
    await secret(shop, "KEY", "second", path="/run/secrets/key", mode="0440")
    await roll_back(system.context, shop.app_id, None, system.actor)
    await system.work()

    assert shop.last.release_id == first.id
    (file,) = open_files(system.context.cipher, release_of(shop).files_encrypted)
    assert (file.path, file.mode, file.content) == ("/run/secrets/key", 0o440, "first")


async def test_a_reference_that_lost_its_app_fails_the_deployment_and_leaves_what_serves(system: System) -> None:
    shop = await new_shop(system, 1)
    db = (await create_app(system.context, NewApp("db", env={"HOST": "h"}), system.actor)).app
    live = (await change(shop, HOST="${app:db.HOST}")).deployment
    await shop.ask(2)
    await change_env(system.context, db.id, {"HOST": None}, replace=False, actor=system.actor)
    await system.work()

    with pytest.raises(ValidationFailed, match="HOST of shop refers to"):
        await shop.ask(3)
    failed = shop.last
    assert failed.status is DeploymentStatus.FAILED
    assert "HOST of shop refers to ${app:db.HOST}, and db has no such variable" in failed.error
    assert shop.serving == {live.id: 1}


async def test_a_secret_of_builds_is_given_to_builds_and_to_nothing_else(system: System) -> None:
    config = AppConfig(health_check=HealthCheck(start_period=5))
    app = (await create_app(system.context, NewApp("built", config=config), system.actor)).app
    done = await set_secret(system.context, app.id, NewSecret("NPM_TOKEN", "s3cret", use=SecretUse.BUILD), system.actor)
    await set_secret(system.context, app.id, NewSecret("PASSWORD", "other"), system.actor)

    def job(session):
        row = write_build(session, system.context, session.get_one(App, app.id), AskedBuild(app.config.source))
        return load_build(session, system.context, row.id)

    with system.context.database.write() as session:
        job = job(session)
    assert (job.secrets, job.source.build_secrets) == ({"NPM_TOKEN": b"s3cret"}, ["NPM_TOKEN"])
    with pytest.raises(ValidationFailed, match="there is no such secret"):
        await change_env(system.context, app.id, {"A": "${secret:NPM_TOKEN}"}, replace=False, actor=system.actor)
    assert done.version == 1


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"path": "relative"}, "no absolute path"),
        ({"path": "/a/../b"}, "no absolute path"),
        ({"path": "/proc/1/x"}, "a directory of the kernel"),
        ({"path": "/a", "mode": "0999"}, "no mode of a file"),
        ({"path": "/a", "use": SecretUse.BUILD}, "builds mount it where they ask"),
        ({"origin": "gone:key"}, "one of both"),
    ],
)
async def test_a_secret_that_cannot_be_used_is_refused(system: System, how: dict, sentence: str) -> None:
    shop = await new_shop(system, 1)
    with pytest.raises(ValidationFailed, match=sentence):
        await secret(shop, "KEY", **how)


async def test_two_secrets_do_not_lie_at_one_path(system: System) -> None:
    shop = await new_shop(system, 1)
    await secret(shop, "ONE", path="/run/secrets/key")
    with pytest.raises(ValidationFailed, match="is where the secret ONE lies"):
        await secret(shop, "TWO", path="/run/secrets/key")


async def test_the_configuration_of_an_app_that_is_deleted_is_none(system: System) -> None:
    shop = await new_shop(system, 1)
    with system.context.database.write() as session:
        app = session.get_one(App, shop.app_id)
        app.deleting_at = system.clock.now()
        session.add(app)
    with pytest.raises(Conflict, match="is being deleted"):
        await change(shop, A="1")
