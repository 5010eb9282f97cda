"""Previews and the host of their requests: one comment that is edited, and what an unseen event left behind."""

from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlmodel import select

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import CodeHostRefused, Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.ids import new_id
from slipyard.domain.source import Source
from slipyard.domain.triggers import PreviewRules, Triggers
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.previews.close_preview import close_preview
from slipyard.pipeline.previews.previews import request_changed
from slipyard.pipeline.previews.reconcile_previews import HostWatch, reconcile_previews
from slipyard.pipeline.telling.send_comment import send_comment
from slipyard.pipeline.telling.tell_previews import tell_previews
from slipyard.store.tables import Connection, Message, Preview
from tests.flow.code_hosts.hosted_repository import HostedRepository
from tests.flow.repository import Repository
from tests.flow.system import System

EACH = pytest.mark.parametrize("provider", ["github", "gitlab", "forgejo"])


@pytest.fixture
def provider() -> str:
    """What does not depend on the provider is shown with one; `EACH` is all of them."""
    return "github"


@pytest.fixture
async def host(provider: str, system: System) -> AsyncIterator[HostedRepository]:
    with HostedRepository(provider).serving() as running:
        settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
        system.context = replace(system.context, settings=settings)
        with system.context.database.write() as session:
            session.add(_connection(system, running))
        yield running


@pytest.fixture
async def shop(system: System, host: HostedRepository) -> str:
    config = AppConfig(
        source=Source(repo_url="https://git.example.org/acme/shop.git"),
        health_check=HealthCheck(start_period=1),
        triggers=Triggers(previews=PreviewRules(enabled=True)),
    )
    return (await create_app(system.context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


def _connection(system: System, host: HostedRepository) -> Connection:
    return Connection(
        id=new_id("con"),
        organization_id=system.actor.organization_id,
        provider=host.provider,
        host="git.example.org",
        api_url=host.url,
        token_encrypted=system.context.cipher.encrypt(b"token"),
        created_at=system.clock.now(),
    )


def commit(system: System, app_id: str, repository: Repository, message: str) -> str:
    made = repository.commit(message, main__py=message)
    repository.push(system.context.layout.repository(app_id), "+HEAD:refs/heads/kept")
    return made


async def announced(
    system: System, app_id: str, head: str, move: RequestMove = RequestMove.OPENED, *, fork: bool = False
) -> None:
    said = RequestChange(7, move, "feature/login", head, "main", fork=fork)
    await request_changed(system.context, app_id, said, "github", "acme/shop", "dev")


async def told(system: System, host: HostedRepository) -> str:
    """Writes down what the comment should say, sends all that is written down, and reads it at the host."""
    await tell_previews(system.context)
    with system.context.database.write() as session:
        query = select(Message).where(Message.kind == "comment", Message.finished_at.is_(None))
        messages = list(session.exec(query.order_by(Message.sequence)))
        for message in messages:
            message.finished_at = system.clock.now()
    for message in messages:
        await send_comment(system.context, message)
    (comment,) = host.comments.values()
    return comment["body"]


def messages(system: System) -> int:
    return len(system.read(lambda session: session.exec(select(Message)).all()))


def previews(system: System) -> list[tuple[int, str, bool]]:
    rows = system.read(lambda session: session.exec(select(Preview).order_by(Preview.id)).all())
    return [(row.number, row.head_commit, row.closed_at is None) for row in rows]


async def test_a_host_that_is_away_removes_nothing_and_is_left_in_peace(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    head = commit(system, shop, repository, "one")
    await announced(system, shop, head)
    watch = HostWatch()
    host.away = True

    await reconcile_previews(system.context, watch)
    asked = len(host.calls)
    await reconcile_previews(system.context, watch)

    assert asked >= 1
    assert len(host.calls) == asked
    assert previews(system) == [(7, head, True)]
    system.clock.ahead += 500  # the usual interval has passed, and it is still left in peace
    await reconcile_previews(system.context, watch)
    assert len(host.calls) == asked
    host.away = False
    system.clock.ahead += 200
    await reconcile_previews(system.context, watch)
    assert len(host.calls) > asked


async def test_a_token_that_may_not_read_requests_removes_nothing(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    head = commit(system, shop, repository, "one")
    await announced(system, shop, head)
    host.refuses.add("requests")

    await reconcile_previews(system.context, HostWatch())

    assert previews(system) == [(7, head, True)]


@EACH
async def test_what_unseen_events_left_behind_is_removed_and_what_they_left_out_is_shown(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    first = commit(system, shop, repository, "one")
    await announced(system, shop, first)
    host.requests = [host.request(8, first)]

    await reconcile_previews(system.context, HostWatch())
    assert previews(system) == [(7, first, False), (8, first, True)]

    second = commit(system, shop, repository, "two")
    host.requests = [host.request(7, first), host.request(8, second), host.request(9, second, fork=True)]
    system.clock.ahead += 60
    await system.settle()  # the name of the first one is free again
    await reconcile_previews(system.context, HostWatch())
    assert previews(system) == [(7, first, False), (8, second, True), (7, first, True), (9, second, True)]
    waiting = system.read(lambda session: session.exec(select(Preview).where(Preview.number == 9)).one())
    assert (waiting.fork, waiting.preview_app_id) == (True, None)


async def test_what_somebody_removed_stays_away_until_a_new_commit(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    first = commit(system, shop, repository, "one")
    await announced(system, shop, first)
    await close_preview(system.context, shop, 7, "admin removed it.")
    host.requests = [host.request(7, first)]
    await reconcile_previews(system.context, HostWatch())
    assert previews(system) == [(7, first, False)]

    second = commit(system, shop, repository, "two")
    host.requests = [host.request(7, second)]
    await reconcile_previews(system.context, HostWatch())
    assert previews(system) == [(7, first, False), (7, second, True)]


async def test_one_comment_follows_the_preview_and_is_edited(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    first = commit(system, shop, repository, "one")
    await announced(system, shop, first)
    assert "being built" in await told(system, host)
    await system.settle()
    live = await told(system, host)
    assert first[:12] in live
    assert "Live at http://shop-pr-7.localhost:8080" in live

    written = messages(system)
    await tell_previews(system.context)
    assert messages(system) == written, "what it says is right already"

    system.builder.behaviour = Behaviour(ready_after=99, exits_after=0, exit_code=3, output=("`boom` @everyone",))
    await announced(system, shop, commit(system, shop, repository, "two"), RequestMove.UPDATED)
    await system.settle()
    failed = await told(system, host)
    assert "It failed: `" in failed
    assert "shows the commit before" in failed

    await announced(system, shop, first, RequestMove.CLOSED)
    assert "Removed. Request 7 was closed or merged." in await told(system, host)
    await tell_previews(system.context)
    assert len(host.comments) == 1


async def test_without_a_connection_nothing_is_written_again_and_again(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    with system.context.database.write() as session:
        session.delete(session.exec(select(Connection)).one())
    await announced(system, shop, commit(system, shop, repository, "one"))

    await tell_previews(system.context)

    assert messages(system) == 0
    assert system.read(lambda session: session.exec(select(Preview.told)).one()) == ""


@EACH
async def test_a_comment_that_somebody_deleted_is_written_anew(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    await announced(system, shop, commit(system, shop, repository, "one"))
    await told(system, host)
    host.comments.clear()
    await system.settle()

    assert "Live at" in await told(system, host)


async def test_the_comment_tells_how_to_let_a_fork_in(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    head = commit(system, shop, repository, "one")
    await announced(system, shop, head, fork=True)
    assert f"slipyard previews approve 7 --commit {head}" in await told(system, host)


async def test_a_comment_that_cannot_be_sent_says_why(
    system: System, shop: str, host: HostedRepository, repository: Repository
) -> None:
    await announced(system, shop, commit(system, shop, repository, "one"))
    await tell_previews(system.context)
    message = system.read(lambda session: session.exec(select(Message)).one())
    host.away = True
    with pytest.raises(Unavailable):
        await send_comment(system.context, message)

    with system.context.database.write() as session:
        session.delete(session.exec(select(Connection)).one())
    with pytest.raises(CodeHostRefused, match="no connection"):
        await send_comment(system.context, message)
