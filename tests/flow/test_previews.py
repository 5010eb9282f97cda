"""Previews of requests on fakes: what is shown and what is not, and that nothing secret goes to a fork."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from sqlmodel import select

from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Conflict, QuotaExceeded, SourceRefused
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.preview import fork_url
from slipyard.domain.source import Source
from slipyard.domain.triggers import PreviewRules, Triggers
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.configuration.change_configuration import change_env
from slipyard.pipeline.configuration.change_secrets import NewSecret, set_secret
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.previews.approve_preview import approve_preview
from slipyard.pipeline.previews.open_preview import open_branch_preview
from slipyard.pipeline.previews.previews import request_changed
from slipyard.pipeline.pushes.receive_push import PushDecision
from slipyard.store.environment import env_of
from slipyard.store.tables import App, Organization, Preview
from tests.engine.git_hosts import http_host
from tests.flow.repository import Repository
from tests.flow.system import System

ENV = {"DATABASE_URL": "postgresql://secret", "FLAVOUR": "mild"}
RULES = PreviewRules(enabled=True, maximum=2, ttl_hours=24, env_vars=["FLAVOUR", "MISSING"])


@pytest.fixture
async def shop(system: System) -> str:
    """An app of a repository elsewhere, whose commits the tests put into its mirror."""
    source = Source(
        repo_url="https://git.example.org/acme/shop.git", build_args={"MODE": "a"}, build_secrets=["DATABASE_URL"]
    )
    config = AppConfig(
        source=source, health_check=HealthCheck(start_period=1), max_instances=3, triggers=Triggers(previews=RULES)
    )
    new = NewApp("shop", config=config, env=ENV, deploy=False)
    return (await create_app(system.context, new, system.actor)).app.id


def pushed(system: System, app_id: str, repository: Repository, message: str) -> str:
    commit = repository.commit(message, main__py=message)
    repository.push(system.context.layout.repository(app_id), "+HEAD:refs/heads/kept")
    return commit


def change(number: int, commit: str, **other: object) -> RequestChange:
    move = other.pop("move", RequestMove.OPENED)
    given = {"base_ref": "main", "fork": False, "title": f"Request {number}", "author": "dev"} | other
    return RequestChange(number, move, "feature/login", commit, **given)


async def tell(system: System, app_id: str, said: RequestChange, provider: str = "github") -> PushDecision:
    return await request_changed(system.context, app_id, said, provider, "acme/shop", said.author)


def previews(system: System, app_id: str) -> list[Preview]:
    query = select(Preview).where(Preview.app_id == app_id).order_by(Preview.id)
    return system.read(lambda session: list(session.exec(query)))


def app_of(system: System, row: Preview) -> App:
    return system.app(row.preview_app_id or "")


def env(system: System, app_id: str) -> dict[str, str]:
    return system.read(lambda session: env_of(session, system.context.cipher, app_id))


async def test_a_request_is_ignored_where_previews_are_off(system: System, shop: str, repository: Repository) -> None:
    commit = pushed(system, shop, repository, "one")
    config = system.app(shop).config.model_copy(update={"triggers": Triggers()})
    await change_app(system.context, shop, AppChanges(config=config), system.actor)

    decision = await tell(system, shop, change(7, commit))

    assert (decision.status, previews(system, shop)) == ("ignored", [])
    assert "triggers.previews.enabled" in decision.message


async def test_a_request_into_another_branch_is_ignored(system: System, shop: str, repository: Repository) -> None:
    decision = await tell(system, shop, change(7, pushed(system, shop, repository, "one"), base_ref="release"))

    assert (decision.status, previews(system, shop)) == ("ignored", [])
    assert "release" in decision.message


@pytest.mark.parametrize("name", ["", "-x", "a b", "refs/heads/x", "a..b"])
async def test_a_head_that_is_no_branch_is_refused(system: System, shop: str, name: str) -> None:
    with pytest.raises(SourceRefused):
        await tell(system, shop, replace(change(7, "a" * 40), head_ref=name))
    assert previews(system, shop) == []


async def test_a_fork_waits_for_approval_of_that_very_commit(system: System, shop: str, repository: Repository) -> None:
    first = pushed(system, shop, repository, "one")
    decision = await tell(system, shop, change(7, first, fork=True))
    assert decision.status == "ignored"
    assert f"previews approve 7 --commit {first}" in decision.message
    assert previews(system, shop)[0].preview_app_id is None

    second = pushed(system, shop, repository, "two")
    await tell(system, shop, change(7, second, fork=True, move=RequestMove.UPDATED))
    with pytest.raises(Conflict, match="moved on"):
        await approve_preview(system.context, shop, 7, first, system.actor)

    await approve_preview(system.context, shop, 7, second, system.actor)
    await system.settle()

    (row,) = previews(system, shop)
    (deployment,) = system.deployments(row.preview_app_id or "")
    assert (deployment.status, deployment.commit) == (DeploymentStatus.ACTIVE, second)


async def test_the_next_commit_of_a_fork_waits_again_and_the_approved_one_is_shown(
    system: System, shop: str, repository: Repository
) -> None:
    first = pushed(system, shop, repository, "one")
    await tell(system, shop, change(7, first, fork=True))
    await approve_preview(system.context, shop, 7, first, system.actor)
    await system.settle()
    second = pushed(system, shop, repository, "two")

    decision = await tell(system, shop, change(7, second, move=RequestMove.UPDATED))  # and now it says it is no fork
    await system.control("previews")
    await system.settle()

    (row,) = previews(system, shop)
    assert decision.status == "ignored"
    assert [each.commit for each in system.deployments(row.preview_app_id or "")] == [first]
    with pytest.raises(Conflict, match="approve"):
        await deploy_app(system.context, row.preview_app_id or "", DeployRequest(), system.actor)


async def test_nothing_secret_goes_to_a_fork(system: System, shop: str, repository: Repository) -> None:
    commit = pushed(system, shop, repository, "one")
    await tell(system, shop, change(7, commit, fork=True))
    await approve_preview(system.context, shop, 7, commit, system.actor)
    await system.settle()

    app = app_of(system, previews(system, shop)[0])
    (build,) = system.builder.builds
    assert env(system, app.id) == {}
    assert (build.secrets, dict(build.build_args)) == ({}, {})
    (container,) = system.engine._containers.values()
    assert not set(ENV) & set(container.spec.env)


async def test_a_request_may_not_name_what_it_wants_to_know(system: System, shop: str, repository: Repository) -> None:
    """Neither for the app nor for one service of it, and of no other app."""
    await set_secret(system.context, shop, NewSecret("KEY", "s3cret"), system.actor)
    for number, said in ((7, "${secret:KEY}"), (8, "${app:shop.DATABASE_URL}")):
        (repository.path / "slipyard.yaml").write_text(f'services: {{web: {{env: {{STOLEN: "{said}"}}}}}}\n')
        await tell(system, shop, change(number, pushed(system, shop, repository, f"number {number}")))
        await system.settle()

    assert len(previews(system, shop)) == 2
    for row in previews(system, shop):
        (deployment,) = system.deployments(row.preview_app_id or "")
        assert deployment.status is DeploymentStatus.FAILED
        assert "may only refer" in str(deployment.error)
    assert system.engine._containers == {}


async def test_only_the_named_variables_go_to_a_preview(system: System, shop: str, repository: Repository) -> None:
    await tell(system, shop, change(7, pushed(system, shop, repository, "one")))
    await system.settle()

    app = app_of(system, previews(system, shop)[0])
    assert env(system, app.id) == {"FLAVOUR": "mild"}
    assert system.builder.builds[0].secrets == {}
    assert app.config.source.build_secrets == []


async def test_a_preview_cannot_be_told_to_be_something_else(system: System, shop: str, repository: Repository) -> None:
    await tell(system, shop, change(7, pushed(system, shop, repository, "one")))
    app = app_of(system, previews(system, shop)[0])

    for request in (DeployRequest(image="nginx"), DeployRequest(ref="main"), DeployRequest(env={"A": "b"})):
        with pytest.raises(Conflict, match="preview"):
            await deploy_app(system.context, app.id, request, system.actor)
    with pytest.raises(Conflict, match="preview"):
        await change_env(system.context, app.id, {"A": "b"}, replace=False, actor=system.actor)
    with pytest.raises(Conflict, match="preview"):
        await change_app(system.context, app.id, AppChanges(config=AppConfig()), system.actor)


async def test_a_late_message_replaces_nothing(system: System, shop: str, repository: Repository) -> None:
    first, second = pushed(system, shop, repository, "one"), pushed(system, shop, repository, "two")
    await tell(system, shop, change(7, second))
    decision = await tell(system, shop, change(7, first, move=RequestMove.UPDATED))
    assert "older" in decision.message
    await tell(system, shop, change(7, second, move=RequestMove.CLOSED))

    again = await tell(system, shop, change(7, second, move=RequestMove.UPDATED))
    older = await tell(system, shop, change(7, first))

    assert (again.status, older.status) == ("ignored", "ignored")
    (row,) = previews(system, shop)
    assert (row.head_commit, row.closed_at is None) == (second, False)


async def test_the_cap_holds_and_the_next_one_moves_up(system: System, shop: str, repository: Repository) -> None:
    commit = pushed(system, shop, repository, "one")
    for number in (1, 2):
        await tell(system, shop, change(number, commit))

    third = await tell(system, shop, change(3, commit))
    assert third.status == "ignored"
    assert "maximum" in third.message
    await system.control("previews")
    assert previews(system, shop)[2].preview_app_id is None

    await tell(system, shop, change(1, commit, move=RequestMove.CLOSED))
    await system.control("previews")

    assert previews(system, shop)[2].preview_app_id is not None


async def test_the_cap_holds_where_many_come_at_once(system: System, shop: str, repository: Repository) -> None:
    """The same message twice among them, as two hooks would send it."""
    commit = pushed(system, shop, repository, "one")
    numbers = [1, 2, 3, 4, 1, 2]

    decisions = await asyncio.gather(*(tell(system, shop, change(number, commit)) for number in numbers))

    assert sorted(each.status for each in decisions) == ["deployed"] * 2 + ["ignored"] * 4
    rows = previews(system, shop)
    assert sorted(row.number for row in rows) == [1, 2, 3, 4]
    assert len([row for row in rows if row.preview_app_id]) == 2


async def test_previews_do_not_count_as_apps(system: System, shop: str, repository: Repository) -> None:
    with system.context.database.write() as session:
        session.get_one(Organization, system.actor.organization_id).max_apps = 2
    commit = pushed(system, shop, repository, "one")
    for number in (1, 2):
        await tell(system, shop, change(number, commit))

    await create_app(system.context, NewApp("blog"), system.actor)
    with pytest.raises(QuotaExceeded):
        await create_app(system.context, NewApp("wiki"), system.actor)


async def test_a_preview_without_a_new_commit_is_removed_after_its_time(
    system: System, shop: str, repository: Repository
) -> None:
    await tell(system, shop, change(7, pushed(system, shop, repository, "one")))
    with system.context.database.write() as session:
        row = session.exec(select(Preview)).one()
        row.seen_at -= timedelta(hours=25)

    await system.control("previews")
    await system.settle()

    (row,) = previews(system, shop)
    assert row.reason == "No new commit came for 24 hours."
    assert app_of(system, row).deleted_at is not None


async def test_a_request_that_opens_again_at_once_waits_for_its_name(
    system: System, shop: str, repository: Repository
) -> None:
    commit = pushed(system, shop, repository, "one")
    await tell(system, shop, change(7, commit))
    await system.settle()
    await tell(system, shop, change(7, commit, move=RequestMove.CLOSED))

    again = await tell(system, shop, change(7, commit))
    assert "name" in again.message
    for _ in range(3):
        system.clock.ahead += 60
        await system.settle()
    await system.control("previews")
    await system.settle()

    before, row = previews(system, shop)
    assert app_of(system, before).deleted_at is not None
    assert app_of(system, row).slug == "shop-pr-7"
    assert system.deployments(row.preview_app_id or "")[-1].status is DeploymentStatus.ACTIVE


async def test_a_deleted_app_takes_its_previews_with_it(system: System, shop: str, repository: Repository) -> None:
    await tell(system, shop, change(7, pushed(system, shop, repository, "one")))
    await system.settle()

    await delete_app(system.context, shop, system.actor)
    system.clock.ahead += 60
    await system.settle()

    (row,) = previews(system, shop)
    assert row.reason == "admin deleted shop."
    assert app_of(system, row).deleted_at is not None
    assert system.app(shop).deleted_at is not None


async def test_removing_the_app_of_a_preview_closes_the_preview(
    system: System, shop: str, repository: Repository
) -> None:
    await tell(system, shop, change(7, pushed(system, shop, repository, "one")))

    await delete_app(system.context, previews(system, shop)[0].preview_app_id or "", system.actor)

    (row,) = previews(system, shop)
    assert (row.closed_at is None, row.reason) == (False, "admin removed it.")


async def test_a_request_is_shown_updated_and_removed(system: System, shop: str, repository: Repository) -> None:
    first = pushed(system, shop, repository, "one")
    opened = await tell(system, shop, change(7, first))
    await system.settle()

    (row,) = previews(system, shop)
    app = app_of(system, row)
    assert opened.status == "deployed"
    assert (app.slug, app.host, app.environment, app.parent_id) == (
        "shop-pr-7", "shop-pr-7.localhost", "preview", shop,
    )  # fmt: skip
    assert (app.config.max_instances, app.config.auto_deploy, app.config.triggers) == (1, False, Triggers())
    assert len(system.route(app.id).addresses) == 1

    second = pushed(system, shop, repository, "two")
    updated = await tell(system, shop, change(7, second, move=RequestMove.UPDATED))
    again = await tell(system, shop, change(7, second, move=RequestMove.UPDATED))
    await system.settle()
    assert (updated.status, again.status) == ("deployed", "ignored")
    assert [each.commit for each in system.deployments(app.id)] == [first, second]
    assert previews(system, shop)[0].preview_app_id == app.id

    mirror = str(system.context.layout.repository(shop))
    assert len(repository.git("-C", mirror, "for-each-ref", "refs/slipyard/pins").splitlines()) == 2
    closed = await tell(system, shop, change(7, second, move=RequestMove.CLOSED))
    system.clock.ahead += 60
    await system.settle()
    assert "removed" in closed.message
    assert app_of(system, row).deleted_at is not None
    assert previews(system, shop)[0].reason == "Request 7 was closed or merged."
    assert repository.git("-C", mirror, "for-each-ref", "refs/slipyard/pins") == ""


async def test_a_branch_is_shown_without_a_request(system: System, repository: Repository) -> None:
    """Of an app's own remote: what `git push -o preview` asks for."""
    app_id = (await create_app(system.context, NewApp("shop"), system.actor)).app.id
    first = repository.commit("one", main__py="1")
    repository.push(system.context.layout.repository(app_id), "HEAD:refs/heads/feature/Login")

    row, _ = await open_branch_preview(system.context, app_id, "feature/Login", first, "dev")
    await system.settle()
    second = repository.commit("two", main__py="2")
    repository.push(system.context.layout.repository(app_id), "HEAD:refs/heads/feature/Login")
    same, _ = await open_branch_preview(system.context, app_id, "feature/Login", second, "dev")
    await system.settle()

    app = app_of(system, row)
    assert app.slug == "shop-feature-login"
    assert (row.number, same.number) == (1_000_001, 1_000_001)
    assert [each.commit for each in system.deployments(app.id)] == [first, second]
    assert system.deployments(app.id)[-1].status is DeploymentStatus.ACTIVE


@pytest.fixture
async def hosted(system: System, repository: Repository) -> AsyncIterator[str]:
    """An app of a repository that git fetches over HTTP; the developer's own is served."""
    with http_host(repository.path) as host:
        opened = {"allowed_networks": [ip_network("127.0.0.0/8")]}
        system.context = replace(system.context, settings=system.context.settings.model_copy(update=opened))
        config = AppConfig(
            source=Source(repo_url=host.url(".git")),
            health_check=HealthCheck(start_period=1),
            triggers=Triggers(previews=RULES),
        )
        repository.commit("main", main__py="0")
        yield (await create_app(system.context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


async def test_bitbuckets_abbreviated_commit_is_the_head_of_its_branch(
    system: System, hosted: str, repository: Repository
) -> None:
    """And a fork's, of which nobody says where it lies, is refused with the reason."""
    repository.git("checkout", "--quiet", "-b", "feature/login")
    head = repository.commit("one", main__py="1")

    fork = await tell(system, hosted, change(8, head[:12], fork=True), "bitbucket")
    shown = await tell(system, hosted, change(7, head[:12]), "bitbucket")
    again = await tell(system, hosted, change(7, head[:12], move=RequestMove.UPDATED), "bitbucket")
    await system.settle()

    (row,) = previews(system, hosted)
    assert ("in the fork alone" in fork.message, shown.status, again.status) == (True, "deployed", "ignored")
    assert row.head_commit == head
    assert system.deployments(row.preview_app_id or "")[0].status is DeploymentStatus.ACTIVE


async def test_a_fork_at_bitbucket_is_read_itself_after_a_look_and_without_a_credential(
    system: System, hosted: str, repository: Repository
) -> None:
    repository.git("clone", "--quiet", "--bare", ".", "eve/shop.git")
    fork = Repository(repository.path.parent / "fork")
    fork.git("remote", "add", "origin", str(repository.path / "eve/shop.git"))
    fork.git("fetch", "--quiet", "origin")
    fork.git("checkout", "--quiet", "-b", "theirs", "origin/main")
    head = fork.commit("theirs", main__py="1")
    fork.git("push", "--quiet", "origin", "theirs")
    asked = replace(change(8, head[:12], fork=True, fork_repository="eve/shop"), head_ref="theirs")

    waiting = await tell(system, hosted, asked, "bitbucket")
    (row,) = previews(system, hosted)
    assert (waiting.status, "previews approve 8" in waiting.message, row.preview_app_id) == ("ignored", True, None)
    await approve_preview(system.context, hosted, 8, head, system.actor)
    await system.settle()

    (row,) = previews(system, hosted)
    app = app_of(system, row)
    assert (app.config.source.repo_url or "").endswith("/eve/shop.git")
    assert app.config.source.credential_id is None
    assert system.deployments(app.id)[0].status is DeploymentStatus.ACTIVE, system.build_log(
        system.builds(app.id)[0].id
    )


@pytest.mark.parametrize(
    "name", ["", "shop", "../shop", "a/../b", "eve/shop/x", "eve@evil/shop", "-x/shop", "eve/sh op"]
)
def test_a_fork_whose_name_is_none_has_no_address(name: str) -> None:
    assert fork_url("https://bitbucket.org/acme/shop.git", name) is None


def test_a_fork_lies_at_the_host_of_the_repository() -> None:
    assert fork_url("https://me@bitbucket.org/acme/shop", "eve/shop") == "https://bitbucket.org/eve/shop.git"
    assert fork_url("ssh://git@bitbucket.org/acme/shop.git", "eve/shop") == "https://bitbucket.org/eve/shop.git"


@pytest.mark.parametrize(
    ("provider", "holder"), [("github", "refs/pull/7/head"), ("gitlab", "refs/merge-requests/7/head")]
)
async def test_the_approved_commit_is_fetched_from_the_ref_that_holds_it_and_no_other(
    system: System, hosted: str, repository: Repository, provider: str, holder: str
) -> None:
    """The fork pushed again while the build was waiting: what nobody looked at is not built."""
    repository.git("checkout", "--quiet", "--detach")
    looked_at = repository.commit("looked at", main__py="1")
    repository.git("update-ref", holder, looked_at)
    await tell(system, hosted, change(7, looked_at, fork=True), provider)
    await approve_preview(system.context, hosted, 7, looked_at, system.actor)
    repository.git("update-ref", holder, repository.commit("not looked at", main__py="2"))
    await system.settle()

    (row,) = previews(system, hosted)
    (deployment,) = system.deployments(row.preview_app_id or "")
    assert (deployment.status, deployment.commit) == (DeploymentStatus.ACTIVE, looked_at)
    assert f"Commit {looked_at[:12]}: looked at" in system.build_log(deployment.build_id or "")

    mirror = str(system.context.layout.repository(hosted))
    assert len(repository.git("-C", mirror, "for-each-ref", "refs/slipyard").splitlines()) == 2
    await tell(system, hosted, change(7, looked_at, move=RequestMove.CLOSED), provider)
    system.clock.ahead += 60
    await system.settle()
    assert repository.git("-C", mirror, "for-each-ref", "refs/slipyard") == ""


async def test_a_commit_that_its_ref_holds_no_more_is_not_replaced_by_another(
    system: System, hosted: str, repository: Repository
) -> None:
    await tell(system, hosted, change(7, "f" * 40))
    repository.git("update-ref", "refs/pull/7/head", "HEAD")
    await system.settle()

    (row,) = previews(system, hosted)
    (deployment,) = system.deployments(row.preview_app_id or "")
    assert deployment.status is DeploymentStatus.FAILED
    assert "holds ffffffffffff no more" in (deployment.error or "")
