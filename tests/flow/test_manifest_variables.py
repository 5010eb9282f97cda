"""Variables that a repository names: defaults, what it requires, what is made up, and what a compose file fills in."""

import json

from sqlmodel import col, select

from slipyard.domain.configuration import Secret
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.configuration.change_configuration import change_configuration, change_env
from slipyard.pipeline.pushes.receive_push import PushSeen, receive_push
from slipyard.store.configuration import configuration_of
from slipyard.store.environment import open_env
from slipyard.store.tables import Release
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push

COMPOSE = """
services:
  web:
    build: .
    ports: ["8080"]
    environment:
      URL: postgres://shop:${DB_PASSWORD:?of the database}@db/shop
      MODE: ${MODE:-quiet}
      PRICE: $$5
"""


def environment(system: System, app_id: str) -> dict[str, str]:
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc())
    release = system.read(lambda session: session.exec(query).first())
    return open_env(system.context.cipher, release.env_encrypted)


async def test_what_it_requires_and_nobody_said_deploys_nothing_until_it_is_said(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system)
    said = {"env": {"KEY": {"description": "of the shop"}, "MODE": "quiet", "SOME": {"required": False}}}
    await push(system, app_id, repository, "one", app__json=json.dumps(said))
    await system.settle()
    refused = system.deployments(app_id)[-1]
    assert refused.status is DeploymentStatus.FAILED
    assert "requires KEY" in (refused.error or "")

    await change_env(system.context, app_id, {"KEY": "k", "MODE": "loud"}, replace=False, actor=system.actor)
    await push(system, app_id, repository, "two", app__json=json.dumps(said))
    await system.settle()

    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE
    assert environment(system, app_id) == {"KEY": "k", "MODE": "loud"}


async def test_what_is_to_be_made_up_is_made_up_once_and_never_shown(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    said = json.dumps({"env": {"SESSION_KEY": {"generator": "secret"}}})
    await push(system, app_id, repository, "one", app__json=said)
    await system.settle()
    value = environment(system, app_id)["SESSION_KEY"]
    await push(system, app_id, repository, "two", app__json=said)
    await system.settle()

    assert len(value) == 64
    assert environment(system, app_id)["SESSION_KEY"] == value
    kept = system.read(lambda session: configuration_of(session, system.context.cipher, app_id))
    assert kept.env == {"SESSION_KEY": "${secret:SESSION_KEY}"}
    logs = system.deployment_log(system.deployments(app_id)[-1].id)
    assert value not in logs


async def test_a_compose_file_is_filled_in_from_the_app_for_each_release(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system)

    def with_secret(before):
        return before.model_copy(update={"secrets": {"DB_PASSWORD": Secret(value="p4ss")}})

    await change_configuration(system.context, app_id, with_secret, system.actor)
    files = {"compose__yaml": COMPOSE, "slipyard__yaml": "compose: compose.yaml\nenv: {LEVEL: 1.10}\n"}
    await push(system, app_id, repository, "one", **files)
    await system.settle()
    own = {"web/URL": "postgres://shop:p4ss@db/shop", "web/PRICE": "$5", "LEVEL": "1.10"}
    assert environment(system, app_id) == own | {"web/MODE": "quiet"}

    def loud(before):
        return before.model_copy(update={"env": {**before.env, "MODE": "loud"}})

    await change_configuration(system.context, app_id, loud, system.actor)
    await system.settle()

    assert len(system.builds(app_id)) == 1
    assert environment(system, app_id) == own | {"web/MODE": "loud", "MODE": "loud"}
    manifest = system.read(lambda session: session.exec(select(Release)).first()).config.origin.manifest
    assert "p4ss" not in manifest.model_dump_json()


async def test_a_push_that_changes_nothing_of_what_the_repository_watches_deploys_nothing(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system)
    first = await push(system, app_id, repository, "one", slipyard__yaml='watch_paths: ["*.py"]', main__py="1")
    await system.settle()

    before = repository.git("rev-parse", "HEAD")
    commit = repository.commit("words", notes__txt="x")
    repository.push(system.context.layout.repository(app_id))
    seen = PushSeen(app_id, "refs/heads/main", commit, before, "git", "dev")
    assert first.status == "deployed"
    assert (await receive_push(system.context, seen)).status != "deployed"

    commit, before = repository.commit("others", slipyard__yaml='watch_paths: ["*.txt"]'), commit
    repository.push(system.context.layout.repository(app_id))
    seen = PushSeen(app_id, "refs/heads/main", commit, before, "git", "dev")
    assert (await receive_push(system.context, seen)).status == "deployed"
