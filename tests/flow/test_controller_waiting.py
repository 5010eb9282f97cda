"""An idle controller reads next to nothing, and every loop that has something to do is told so."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event
from sqlmodel import Session

from slipyard.clients.registry_manifest import Manifest
from slipyard.controller.loops import LOOPS
from slipyard.controller.news import News
from slipyard.controller.waiting import WAITING
from slipyard.domain.errors import Unavailable
from slipyard.domain.ids import new_id
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.previews.close_preview import close_preview
from slipyard.pipeline.telling.outbox import Note, write_note
from slipyard.store.claims import Holder, claim_build
from slipyard.store.tables import App, Preview, RouteRow
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push


@pytest.fixture
async def news(system: System) -> AsyncIterator[News]:
    made = News(system.context)
    yield made
    made.close()


async def wanted(system: System, news: News) -> set[str]:
    """Every event is told by the next pass, which has nobody to tell here."""
    await system.control("tell")
    await news.look()
    return news.wanted


async def settled_app(system: System, repository: Repository) -> str:
    """Live, and its image is in the registry."""
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    (build,) = system.builds(app_id)
    assert build.image_reference is not None
    assert build.image_id is not None
    system.registry.add(build.image_reference, Manifest("sha256:" + "1" * 64, build.image_id, ""))
    await system.control("publish")
    return app_id


def test_what_waits_is_told_to_loops_that_there_are() -> None:
    assert set(WAITING) <= {loop.name for loop in LOOPS}


async def test_nothing_waits_where_all_is_done(system: System, news: News, repository: Repository) -> None:
    assert await wanted(system, news) == set()
    await settled_app(system, repository)
    assert await wanted(system, news) == set()


async def test_rows_are_read_again_only_after_somebody_wrote(system: System, news: News) -> None:
    await wanted(system, news)
    statements: list[str] = []
    event.listen(system.context.database.reader, "before_cursor_execute", lambda *call: statements.append(str(call[2])))

    for _ in range(5):
        await wanted(system, news)
    assert not [each for each in statements if "EXISTS" in each], statements

    await new_app(system)
    await wanted(system, news)
    assert [each for each in statements if "EXISTS" in each]


async def test_all_are_wanted_at_the_start_and_now_and_then(system: System, news: News) -> None:
    assert news.wanted == set(WAITING)
    assert await wanted(system, news) == set()
    system.clock.ahead += 31
    assert await wanted(system, news) == set(WAITING)
    assert await wanted(system, news) == set(), "and only once"


async def test_a_loop_sleeps_until_it_is_wanted(system: System, news: News) -> None:
    await wanted(system, news)
    waiting = asyncio.create_task(news.until_wanted("clean_up"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await news.until_wanted("heal")  # it has more to look at than rows

    app_id = await new_app(system)
    await delete_app(system.context, app_id, system.actor)
    await news.look()
    async with asyncio.timeout(5):
        await waiting


async def test_all_are_wanted_where_the_database_cannot_be_asked(
    system: System, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wanted(system, news)
    monkeypatch.setattr(news, "look", _fails)
    looking = asyncio.create_task(news.keep_looking())
    async with asyncio.timeout(5):
        await news.until_wanted("recover")
    looking.cancel()
    assert news.wanted == set(WAITING)


async def _fails() -> None:
    raise OSError("The database is away.")


async def test_a_push_wakes_its_build_and_its_claim_is_watched(
    system: System, news: News, repository: Repository
) -> None:
    app_id = await new_app(system)
    decision = await push(system, app_id, repository, "one", main__py="1")
    assert await wanted(system, news) == {"wake"}

    elsewhere = str(Holder("another-machine", 1, "1"))
    await system.context.database.writing(
        lambda session: claim_build(session, decision.build_id or "", elsewhere, system.clock.now())
    )
    assert "recover" in await wanted(system, news)


async def test_an_old_release_is_drained_and_an_image_is_published(
    system: System, news: News, repository: Repository
) -> None:
    app_id = await new_app(system)
    for text in ("one", "two"):
        await push(system, app_id, repository, text, main__py=text)
        await system.work()
    assert await wanted(system, news) == {"drain", "publish", "bake"}


async def test_an_image_that_cannot_be_published_is_given_up(
    system: System, news: News, repository: Repository
) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    system.engine.fail_next("push", Unavailable("The registry does not answer."), times=8)
    for _ in range(300):
        await system.control("publish")
    assert await wanted(system, news) == set()


async def test_a_route_that_fell_behind_is_followed(system: System, news: News, repository: Repository) -> None:
    app_id = await settled_app(system, repository)

    def fall_behind(session):
        session.get_one(RouteRow, app_id).applied = False

    await system.context.database.writing(fall_behind)
    assert await wanted(system, news) == {"follow_routes"}


async def test_a_deleted_app_is_cleaned_up(system: System, news: News) -> None:
    app_id = await new_app(system)
    await delete_app(system.context, app_id, system.actor)
    assert "clean_up" in await wanted(system, news)


async def test_an_event_wakes_those_who_tell_and_a_message_those_who_send(system: System, news: News) -> None:
    app_id = await new_app(system)
    await news.look()
    assert "tell" in news.wanted
    assert "send" not in news.wanted

    def write(session: Session) -> None:
        note = Note("key", "webhook", "nobody", "lane", {"type": "test", "data": {"message": "x"}})
        write_note(session, system.context, session.get_one(App, app_id), note)

    await system.context.database.writing(write)
    assert await wanted(system, news) == {"send"}
    await system.control("send")
    assert await wanted(system, news) == set(), "given up: its notifier is not there"


async def test_a_preview_is_kept_while_it_is_open_and_until_its_request_has_read_the_last_word(
    system: System, news: News
) -> None:
    app_id = await new_app(system)
    now = system.clock.now()
    row = Preview(
        id=new_id("prv"), app_id=app_id, number=7, provider="github", repository="acme/shop", head_ref="x",
        head_commit="a" * 40, fork=True, told="digest", seen_at=now, created_at=now,
    )  # fmt: skip
    await system.context.database.writing(lambda session: session.add(row))
    assert await wanted(system, news) == {"previews"}

    await close_preview(system.context, app_id, 7, "Request 7 was closed or merged.")
    assert await wanted(system, news) == {"previews"}
    await system.control("previews")
    assert await wanted(system, news) == set()
