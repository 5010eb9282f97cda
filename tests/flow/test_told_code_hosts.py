"""Every deployment of a commit is told where the commit lies: pending, then what became of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlmodel import Session, select

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import BuildFailed
from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.source import Source
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.context import Context
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.telling import deliver_status
from slipyard.pipeline.telling.send_messages import SendWatch, send_messages
from slipyard.pipeline.telling.tell import tell
from slipyard.pipeline.write_down import Asked, AskedBuild, write_build, write_deployment
from slipyard.store.queries.deployments import note_commit
from slipyard.store.tables import App, Connection, Deployment, Message
from slipyard.store.transition import transition
from tests.flow.code_hosts.scripted_server import ScriptedServer
from tests.flow.system import System
from tests.flow.test_outbox import LOOPBACK

ONE, TWO = "1" * 40, "2" * 40
DEPLOYING, VERIFYING = DeploymentStatus.DEPLOYING, DeploymentStatus.VERIFYING


@pytest.fixture
def github() -> Iterator[ScriptedServer]:
    with ScriptedServer().serving() as server:
        for commit in (ONE, TWO):
            server.on("POST", f"/repos/team/shop/statuses/{commit}", 201, {"id": 1})
        server.on("POST", "/repos/team/shop/deployments", 201, {"id": 42})
        server.on("POST", "/repos/team/shop/deployments/42/statuses", 201, {"id": 1})
        yield server


@pytest.fixture
def context(system: System) -> Context:
    settings = system.context.settings.model_copy(update={"allowed_networks": LOOPBACK})
    return replace(system.context, settings=settings)


@pytest.fixture
async def app_id(context: Context, system: System) -> str:
    config = AppConfig(source=Source(repo_url="https://git.example/team/shop.git"))
    return (await create_app(context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


@pytest.fixture
def connected(context: Context, system: System, github: ScriptedServer) -> Connection:
    row = Connection(
        id=new_id("con"),
        organization_id=system.actor.organization_id,
        provider="github",
        host="git.example",
        api_url=github.url,
        token_encrypted=context.cipher.encrypt(b"t0ken"),
        created_at=context.clock.now(),
    )
    with context.database.write() as session:
        session.add(row)
    return row


def asked(context: Context, app_id: str, commit: str | None, trigger: str = "github") -> str:
    with context.database.write() as session:
        return write_deployment(session, context, session.get_one(App, app_id), Asked(trigger, "dev", commit=commit)).id


def moves(context: Context, deployment_id: str, *steps: DeploymentStatus, message: str = "on", **columns) -> None:
    with context.database.write() as session:
        row = session.get_one(Deployment, deployment_id)
        for step in steps:
            transition(session, row, step, now=context.clock.now(), message=message, **columns)


async def told(context: Context) -> None:
    await tell(context)
    await send_messages(context, SendWatch())


def statuses(github: ScriptedServer, commit: str = ONE) -> list[tuple[str, str]]:
    bodies = github.bodies("POST", f"/repos/team/shop/statuses/{commit}")
    return [(body["state"], body["description"]) for body in bodies]


async def test_pending_and_then_success_with_the_url(context, app_id, connected, github):
    deployment = asked(context, app_id, ONE)
    await told(context)
    moves(context, deployment, DEPLOYING, VERIFYING, DeploymentStatus.ACTIVE)
    await told(context)

    assert statuses(github) == [("pending", "Deployment 1 is on its way."), ("success", "Deployment 1 is live.")]
    last = github.bodies("POST", f"/repos/team/shop/statuses/{ONE}")[-1]
    assert (last["context"], last["target_url"]) == ("slipyard/shop", "http://shop.localhost:8080")


async def test_a_failure_says_the_first_line_of_the_reason(context, app_id, connected, github):
    deployment = asked(context, app_id, ONE)
    moves(context, deployment, DeploymentStatus.FAILED, message="RUN make ended with code 2.\n  | a secret line")
    await told(context)
    assert statuses(github)[-1] == ("failure", "RUN make ended with code 2.")


async def test_one_that_somebody_ended_is_no_failure_of_the_commit(context, app_id, connected, github, system):
    deployment = asked(context, app_id, ONE)
    await cancel_deployment(context, app_id, deployment, system.actor)
    await told(context)
    assert statuses(github)[-1] == ("error", "Cancelled by admin.")


async def test_one_that_was_overtaken_does_not_look_broken(context, app_id, connected, github):
    asked(context, app_id, ONE)
    asked(context, app_id, TWO)
    await told(context)
    assert statuses(github, ONE)[-1] == ("success", "Not deployed: Deployment 2 took its place before it began.")
    assert statuses(github, TWO) == [("pending", "Deployment 2 is on its way.")]


async def test_a_commit_that_is_known_only_once_it_is_built_closes_the_one_announced(
    context, app_id, connected, github
):
    """A build takes the branch's head: what was announced may have moved on."""
    deployment = asked(context, app_id, ONE)
    await told(context)
    moves(context, deployment, DEPLOYING, commit=TWO)
    await told(context)
    moves(context, deployment, VERIFYING, DeploymentStatus.ACTIVE)
    await told(context)

    assert [state for state, _ in statuses(github, TWO)] == ["pending", "success"]
    assert statuses(github, ONE)[-1] == (
        "success",
        f"Not deployed by itself: {TWO[:12]} was the branch's head by then.",
    )


@pytest.mark.parametrize("trigger", ["start", "restart"])
async def test_starting_again_says_nothing_of_the_commit(context, app_id, connected, github, trigger):
    asked(context, app_id, ONE, trigger)
    await told(context)
    assert github.asked == []


async def test_without_a_commit_or_a_connection_nothing_is_told(context, app_id, github):
    asked(context, app_id, ONE)
    await told(context)
    assert github.asked == []


async def test_githubs_deployment_is_made_once_and_then_moved(context, app_id, connected, github):
    deployment = asked(context, app_id, ONE)
    await told(context)
    moves(context, deployment, DEPLOYING, VERIFYING, DeploymentStatus.ACTIVE)
    await told(context)

    (made,) = github.bodies("POST", "/repos/team/shop/deployments")
    assert (made["ref"], made["environment"]) == (ONE, "production (shop)")
    states = github.bodies("POST", "/repos/team/shop/deployments/42/statuses")
    assert [body["state"] for body in states] == ["in_progress", "success"]
    assert states[-1]["environment_url"] == "http://shop.localhost:8080"


async def test_a_deployment_at_github_is_not_doubled_by_a_second_attempt(context, app_id, connected, github):
    path = "/repos/team/shop/deployments/42/statuses"
    with ScriptedServer().serving() as flaky:
        flaky.on("POST", f"/repos/team/shop/statuses/{ONE}", 201, {})
        flaky.on("POST", "/repos/team/shop/deployments", 201, {"id": 42})
        flaky.on("POST", path, 502)
        flaky.on("POST", path, 201, {})
        point_to(context, connected, flaky.url)
        asked(context, app_id, ONE)
        await told(context)
        make_due(context)
        await told(context)
        assert len(flaky.bodies("POST", "/repos/team/shop/deployments")) == 1
        assert len(flaky.bodies("POST", path)) == 2


async def test_a_deployment_at_github_is_not_doubled_where_its_maker_was_killed(
    context, app_id, connected, github, monkeypatch
):
    """Between GitHub's answer and its id being kept."""
    deployment = asked(context, app_id, ONE)
    with monkeypatch.context() as patched:
        patched.setattr(deliver_status, "_keep", killed)
        await told(context)
    name = github.bodies("POST", "/repos/team/shop/deployments")[0]["payload"]
    path = f"/repos/team/shop/deployments?sha={ONE}&environment=production+%28shop%29&per_page=100"
    github.on("GET", path, 200, [{"id": 41, "payload": {}}, {"id": 42, "payload": name}])
    make_due(context)
    moves(context, deployment, DEPLOYING, VERIFYING, DeploymentStatus.ACTIVE)
    await told(context)

    assert len(github.bodies("POST", "/repos/team/shop/deployments")) == 1
    states = github.bodies("POST", "/repos/team/shop/deployments/42/statuses")
    assert [body["state"] for body in states] == ["in_progress", "success"]


def killed(*_):
    raise RuntimeError("the process ends here")


async def test_a_token_without_the_right_is_given_up_at_once_and_said(context, app_id, connected, github):
    with ScriptedServer().serving() as strict:
        refusal = {"message": "Resource not accessible by personal access token"}
        strict.on("POST", f"/repos/team/shop/statuses/{ONE}", 403, refusal)
        strict.on("POST", "/repos/team/shop/deployments", 403, refusal)
        point_to(context, connected, strict.url)
        asked(context, app_id, ONE)
        await told(context)

    with context.database.read() as session:
        (status, _) = session.exec(select(Message).order_by(Message.kind.desc())).all()
    assert (status.delivered, status.attempts, status.finished_at is not None) == (False, 1, True)
    assert "right to write commit statuses" in status.error
    assert "Resource not accessible" in status.error


async def test_a_connection_that_is_removed_ends_what_waits_for_it(context, app_id, connected, github):
    asked(context, app_id, ONE)
    await tell(context)
    with context.database.write() as session:
        session.delete(session.get_one(Connection, connected.id))
    assert not await send_messages(context, SendWatch())
    assert github.asked == []


def point_to(context: Context, connection: Connection, url: str) -> None:
    with context.database.write() as session:
        session.get_one(Connection, connection.id).api_url = url


def make_due(context: Context) -> None:
    def due(session: Session) -> None:
        for row in session.exec(select(Message)).all():
            row.next_at = row.created_at

    with context.database.write() as session:
        due(session)


async def test_where_a_branch_is_deployed_and_fails_its_commit_is_known(context, system, repository):
    shop = (await create_app(context, NewApp("own", config=AppConfig()), system.actor)).app.id
    head = repository.commit("one", main__py="1")
    repository.push(context.layout.repository(shop))
    system.builder.fail_next(BuildFailed("RUN make ended with code 2."))

    await deploy_app(context, shop, DeployRequest(), system.actor)
    await system.settle()

    (failed,) = system.deployments(shop)
    assert (failed.status, failed.commit) == (DeploymentStatus.FAILED, head)


async def test_where_a_branch_is_deployed_it_is_pending_before_its_build_fails(
    context, app_id, connected, github, system
):
    """Its commit is known only once it is fetched, and by then nothing has failed yet."""
    app = system.app(app_id)
    with context.database.write() as session:
        build = write_build(session, context, session.get_one(App, app_id), AskedBuild(app.config.source, ref="main"))
        row = write_deployment(session, context, session.get_one(App, app_id), Asked("api", "dev", build_id=build.id))
        deployment, build_id = row.id, build.id
    await told(context)
    assert statuses(github) == []

    for _ in range(2):  # another attempt fetches it again
        with context.database.write() as session:
            note_commit(session, build_id, ONE, context.clock.now())
        await told(context)
    moves(context, deployment, DeploymentStatus.FAILED, message="RUN make ended with code 2.")
    await told(context)

    assert statuses(github) == [("pending", "Deployment 1 is on its way."), ("failure", "RUN make ended with code 2.")]
    (made,) = github.bodies("POST", "/repos/team/shop/deployments")
    assert made["ref"] == ONE
