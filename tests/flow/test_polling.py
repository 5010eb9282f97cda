"""Sources elsewhere are looked at again and again: what no webhook told of is found, and no host holds up the others."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from slipyard.clients.registry_manifest import Manifest
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Unavailable
from slipyard.domain.ids import new_id
from slipyard.domain.source import Source, SourceType
from slipyard.domain.triggers import Triggers
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.pushes.push_seen import PushSeen
from slipyard.pipeline.pushes.receive_push import receive_push
from slipyard.pipeline.sources.poll import poll, poll_now
from slipyard.store.tables import App, Poll, Push
from tests.flow.elsewhere import DEAD_HOST, HOST, SLOW_HOST, GitElsewhere
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.unit.virtual_clock import VirtualClock, passing

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
URL = f"https://{HOST}/shop.git"
FIRST, SECOND = (Manifest(f"sha256:{sign * 64}", f"sha256:{'c' * 64}", "") for sign in "ab")


@pytest.fixture
async def system(tmp_path, database_url) -> AsyncIterator[System]:
    made = System(tmp_path / "home", database_url)
    made.git = GitElsewhere(made.context.layout.known_hosts, made.clock)
    made.git.heads[URL] = ONE
    made.context = replace(made.context, git=made.git)
    yield made
    made.installation.close()


async def new_app(system: System, source: Source | None = None, **more: object) -> str:
    config = AppConfig(source=source or Source(repo_url=URL), **more)
    return (await create_app(system.context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


def polled(system: System, app_id: str) -> Poll | None:
    return system.read(lambda session: session.get(Poll, app_id))


def make_due(system: System) -> None:
    with system.context.database.write() as session:
        for row in session.exec(select(Poll)):
            row.next_at = system.context.clock.now() - timedelta(seconds=1)


async def next_pass(system: System) -> None:
    make_due(system)
    await poll(system.context)


async def test_a_host_that_is_away_is_asked_less_and_less_and_then_as_ever(system: System) -> None:
    app_id = await new_app(system)
    system.git.away.add(HOST)
    pauses = []
    for _ in range(6):
        await next_pass(system)
        row = polled(system, app_id)
        pauses.append((row.next_at - row.looked_at).total_seconds())
    assert row.failures == 6
    assert row.error == f"{HOST} does not answer."
    assert [round(pause / 120, 1) for pause in pauses] == pytest.approx([1, 2, 4, 8, 8, 8], rel=0.25)
    assert system.app(app_id).has_git_access is None, "whether it may be read, nobody knows"

    system.git.away.clear()
    await next_pass(system)

    assert (polled(system, app_id).failures, polled(system, app_id).error) == (0, None)
    assert system.app(app_id).has_git_access


async def test_what_may_not_be_read_is_said_in_the_app(system: System) -> None:
    app_id = await new_app(system)
    system.git.closed.add(HOST)
    await poll(system.context)
    app = system.app(app_id)
    assert not app.has_git_access
    assert app.git_access_error == polled(system, app_id).error


async def test_a_branch_that_is_not_there_is_said_and_deploys_nothing(system: System) -> None:
    app_id = await new_app(system)
    system.git.heads.clear()
    await poll(system.context)
    assert "has no branch main" in polled(system, app_id).error
    assert system.app(app_id).has_git_access
    assert system.deployments(app_id) == []


async def test_an_app_that_was_made_without_a_deployment_begins_where_it_is(system: System) -> None:
    app_id = await new_app(system)
    await poll(system.context)
    assert system.deployments(app_id) == []

    system.git.heads[URL] = TWO
    await next_pass(system)

    (deployment,) = system.deployments(app_id)
    assert (deployment.trigger, deployment.commit, deployment.actor) == ("poll", TWO, "polling")


async def test_a_missed_webhook_is_found_once(system: System) -> None:
    app_id = await new_app(system)
    await receive_push(system.context, PushSeen(app_id, "refs/heads/main", ONE, None, "github", "ada"))
    system.git.heads[URL] = TWO
    for _ in range(3):
        await next_pass(system)
    assert [(row.trigger, row.commit) for row in system.deployments(app_id)] == [("github", ONE), ("poll", TWO)]


async def test_a_webhook_that_arrived_is_not_deployed_again(system: System) -> None:
    app_id = await new_app(system)
    await poll(system.context)
    system.git.heads[URL] = TWO
    await receive_push(system.context, PushSeen(app_id, "refs/heads/main", TWO, ONE, "github", "ada"))
    await next_pass(system)
    assert [row.trigger for row in system.deployments(app_id)] == ["github"]
    assert len(system.read(lambda session: session.exec(select(Push)).all())) == 1, "nor written down again"


async def test_a_late_webhook_for_what_polling_found_deploys_nothing(system: System) -> None:
    app_id = await new_app(system)
    await poll(system.context)
    system.git.heads[URL] = TWO
    await next_pass(system)
    decision = await receive_push(system.context, PushSeen(app_id, "refs/heads/main", TWO, ONE, "github", "ada"))
    assert decision.status == "ignored"
    assert len(system.deployments(app_id)) == 1


async def test_auto_deploy_decides_whether_anybody_looks(system: System) -> None:
    app_id = await new_app(system, auto_deploy=False)
    await poll(system.context)
    assert system.git.asked[HOST] == 0

    config = system.app(app_id).config.model_copy(update={"auto_deploy": True})
    await change_app(system.context, app_id, AppChanges(config=config), system.actor)
    await poll(system.context)

    assert system.git.asked[HOST] == 1, "without waiting for the next hour"


async def test_another_branch_begins_where_it_is(system: System) -> None:
    app_id = await new_app(system)
    await receive_push(system.context, PushSeen(app_id, "refs/heads/main", ONE, None, "github", "ada"))
    await poll(system.context)
    other = f"https://{HOST}/other.git"
    system.git.heads[other] = TWO
    config = AppConfig(source=Source(repo_url=other))
    await change_app(system.context, app_id, AppChanges(config=config), system.actor)

    await poll(system.context)
    assert len(system.deployments(app_id)) == 1, "a changed source takes effect with the next deployment"

    system.git.heads[other] = THREE
    await next_pass(system)
    assert system.deployments(app_id)[-1].commit == THREE


class TestFurtherRefs:
    TRIGGERS = Triggers(branches=["release/*"], tags=["v*"])

    async def test_what_stands_there_at_the_first_look_is_not_deployed(self, system: System) -> None:
        system.git.refs = {"refs/tags/v1": ONE, "refs/heads/release/1": TWO}
        app_id = await new_app(system, triggers=self.TRIGGERS)
        for _ in range(2):
            await next_pass(system)
        assert system.deployments(app_id) == []

    async def test_nor_what_other_triggers_find_there(self, system: System) -> None:
        system.git.refs = {"refs/tags/v1": ONE}
        app_id = await new_app(system)
        await poll(system.context)
        config = system.app(app_id).config.model_copy(update={"triggers": self.TRIGGERS})
        await change_app(system.context, app_id, AppChanges(config=config), system.actor)
        for _ in range(2):
            await next_pass(system)
        assert system.deployments(app_id) == []

    async def test_a_tag_that_no_webhook_told_of_is_deployed_once(self, system: System) -> None:
        app_id = await new_app(system, triggers=self.TRIGGERS)
        await poll(system.context)
        system.git.refs = {"refs/tags/v1": TWO, "refs/tags/other": THREE, "refs/heads/feature/x": THREE}
        for _ in range(3):
            await next_pass(system)
        assert [(row.trigger, row.commit) for row in system.deployments(app_id)] == [("poll", TWO)]

    async def test_of_several_the_latest_version_wins(self, system: System) -> None:
        app_id = await new_app(system, triggers=self.TRIGGERS)
        await poll(system.context)
        system.git.refs = {"refs/tags/v1.9": TWO, "refs/tags/v1.10": THREE}  # in the order of git's version sort
        await next_pass(system)
        assert [row.commit for row in system.deployments(app_id)] == [THREE]

    async def test_a_tag_that_a_webhook_told_of_is_not_deployed_again(self, system: System) -> None:
        app_id = await new_app(system, triggers=self.TRIGGERS)
        await poll(system.context)
        system.git.refs = {"refs/tags/v1": TWO}
        await receive_push(system.context, PushSeen(app_id, "refs/tags/v1", TWO, None, "github", "ada"))
        await next_pass(system)
        assert [row.trigger for row in system.deployments(app_id)] == ["github"]

    async def test_a_repository_of_tags_alone_needs_no_branch(self, system: System) -> None:
        system.git.heads.clear()
        app_id = await new_app(system, triggers=self.TRIGGERS)
        await poll(system.context)
        system.git.refs = {"refs/tags/v1": TWO}
        await next_pass(system)
        assert [row.commit for row in system.deployments(app_id)] == [TWO]
        assert polled(system, app_id).error is None


@pytest.mark.parametrize(
    "source",
    [Source(), Source(type=SourceType.UPLOAD), Source(type=SourceType.IMAGE, image=f"nginx@sha256:{'a' * 64}")],
)
async def test_what_lies_nowhere_else_is_not_looked_at(system: System, source: Source) -> None:
    app_id = await new_app(system, source)
    await next_pass(system)
    assert polled(system, app_id).looked_at is None
    assert await poll_now(system.context, app_id) is None


async def test_a_tag_that_moved_is_deployed(system: System) -> None:
    app_id = await new_app(system, Source(type=SourceType.IMAGE, image="example.com/shop:latest"))
    system.registry.add("example.com/shop:latest", FIRST)
    await poll(system.context)
    assert system.deployments(app_id) == []

    system.registry.fail_next(Unavailable("The registry does not answer."))
    await next_pass(system)
    assert polled(system, app_id).seen == FIRST.digest, "what was seen stays"

    system.registry.add("example.com/shop:latest", SECOND)
    await next_pass(system)
    await next_pass(system)

    (deployment,) = system.deployments(app_id)
    assert (deployment.trigger, deployment.image) == ("poll", "example.com/shop:latest")


async def test_a_wall_clock_that_jumped_back_stops_nothing(system: System) -> None:
    app_id = await new_app(system)
    await poll(system.context)
    with system.context.database.write() as session:
        session.get_one(Poll, app_id).next_at += timedelta(days=400)
    await poll(system.context)
    assert system.git.asked[HOST] == 2


async def test_polling_may_be_turned_off(system: System) -> None:
    await new_app(system)
    settings = system.context.settings.model_copy(update={"poll_seconds": 0})
    await poll(replace(system.context, settings=settings))
    assert system.git.asked[HOST] == 0


class TestHundreds:
    """On virtual time: what is counted is who waited for whom, and what it cost."""

    @pytest.fixture
    async def crowd(self, system: System) -> System:
        await new_app(system)
        with system.context.database.write() as session:
            model = session.exec(select(App)).one().model_dump(exclude={"id", "slug", "host", "config"})
            for number in range(399):
                host = DEAD_HOST if number < 40 else SLOW_HOST if number < 50 else f"93.184.217.{number % 40 + 1}"
                url = f"https://{host}/app-{number}.git"
                system.git.heads[url] = ONE
                names = {"id": new_id("app"), "slug": f"app-{number}", "host": f"app-{number}.localhost"}
                session.add(App(**model, **names, config=AppConfig(source=Source(repo_url=url))))
        clock = VirtualClock()
        system.git.away, system.git.seconds[SLOW_HOST], system.git._clock = {DEAD_HOST}, 14.0, clock
        system.context = replace(system.context, clock=clock)
        system.context.database._inline = True  # or virtual time passes while the database is asked
        return system

    async def test_one_pass_sees_all_but_those_of_hosts_that_hang(self, crowd: System) -> None:
        writes = []
        writing = crowd.context.database.writing
        crowd.context.database.writing = lambda change: (writes.append(change), writing(change))[1]
        async with passing(crowd.context.clock) as clock:
            await poll(crowd.context)

        rows = crowd.read(lambda session: session.exec(select(Poll)).all())
        seen = [row for row in rows if row.seen == ONE]
        assert len(seen) >= 350 + 2, "all others, and as many of the slow host as there was time for"
        assert clock.monotonic() < 60
        assert crowd.git.asked[DEAD_HOST] <= 2, "who did not answer is not asked again in the same pass"
        assert len([row for row in rows if row.failures]) == 40
        assert crowd.git.most_at_once[DEAD_HOST] <= 2
        assert crowd.git.most_at_once["all"] <= 8
        assert len(writes) == 1

    async def test_a_pass_without_news_is_one_read_and_one_write(self, crowd: System) -> None:
        crowd.git.away = set()
        async with passing(crowd.context.clock):
            for _ in range(3):
                await poll(crowd.context)
            make_due(crowd)
            reads, writes = [], []
            reading, writing = crowd.context.database.reading, crowd.context.database.writing
            crowd.context.database.reading = lambda query: (reads.append(query), reading(query))[1]
            crowd.context.database.writing = lambda change: (writes.append(change), writing(change))[1]
            await poll(crowd.context)
        assert (len(reads), len(writes)) == (1, 1)

    async def test_every_app_is_looked_at_within_five_minutes(self, crowd: System) -> None:
        crowd.git.heads = dict.fromkeys(crowd.git.heads, ONE)
        clock = crowd.context.clock
        async with passing(clock):
            await poll(crowd.context)
            crowd.git.heads = dict.fromkeys(crowd.git.heads, TWO)
            pushed = clock.monotonic()
            while clock.monotonic() - pushed < 300 - 30:
                await poll(crowd.context)
                await clock.sleep(5)
        rows = crowd.read(lambda session: session.exec(select(Poll).where(Poll.failures == 0)).all())
        assert len(rows) == 360
        assert [row.app_id for row in rows if row.seen != TWO] == []


async def test_a_marker_and_files_that_are_not_watched_count_for_what_polling_finds(
    system: System, repository: Repository
) -> None:
    """Its message and its files are nobody's words: the commit is fetched before it is decided."""
    app_id = await new_app(system, watch_paths=["*.py"])
    system.git.copies[URL] = repository.path
    statuses = []
    for message, files in (
        ("one", {"main__py": "1"}),
        ("two", {"main__py": "2"}),
        ("three [skip ci]", {"main__py": "3"}),
        ("four", {"main__py": "4"}),
        ("five", {"README__md": "5"}),
    ):
        system.git.heads[URL] = repository.commit(message, **files)
        statuses.append((await poll_now(system.context, app_id)).decision.status)

    assert statuses == ["ignored", "deployed", "skipped", "deployed", "skipped"]
