"""What happened is told once, in order, and never in the way: on both databases, with real HTTP receivers."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from sqlmodel import Session, select
from standardwebhooks import Webhook

from slipyard.clients.signed_webhook import new_signing_secret
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import BuildFailed
from slipyard.domain.health import HealthCheck
from slipyard.domain.ids import new_id
from slipyard.domain.source import Source
from slipyard.pipeline.context import Context
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.telling.outbox import Note, write_note
from slipyard.pipeline.telling.send_messages import SendWatch, send_messages
from slipyard.pipeline.telling.tell import tell
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.events import events_after, record
from slipyard.store.tables import App, Connection, Message, Notifier
from tests.flow.api.api_server import until
from tests.flow.code_hosts.scripted_server import ScriptedServer
from tests.flow.system import System
from tests.flow.test_push_to_live import push

LOOPBACK = [ip_network("127.0.0.0/8")]
COMMITS = ["1" * 40, "2" * 40, "3" * 40]
EVENTS = ["deployed", "failed", "rolled_back", "healed"]
REPO = "/repos/team/shop"


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    with ScriptedServer().serving() as server:
        yield server


@pytest.fixture
def context(system: System) -> Context:
    """The operator has opened loopback."""
    settings = system.context.settings.model_copy(update={"allowed_networks": LOOPBACK})
    return replace(system.context, settings=settings)


def add(context: Context, row: object) -> None:
    with context.database.write() as session:
        session.add(row)


def add_notifier(context: Context, system: System, url: str, events=EVENTS, **columns) -> tuple[Notifier, str]:
    secret = new_signing_secret()
    row = Notifier(
        id=new_id("ntf"),
        organization_id=system.actor.organization_id,
        name="ops",
        kind="webhook",
        url_encrypted=context.cipher.encrypt(url.encode()),
        secret_encrypted=context.cipher.encrypt(secret.encode()),
        events=list(events),
        created_at=context.clock.now(),
        **columns,
    )
    add(context, row)
    return row, secret


def add_connection(context: Context, system: System, url: str, provider: str = "github") -> Connection:
    row = Connection(
        id=new_id("con"),
        organization_id=system.actor.organization_id,
        provider=provider,
        host="git.example",
        api_url=url,
        token_encrypted=context.cipher.encrypt(b"t0ken"),
        created_at=context.clock.now(),
    )
    add(context, row)
    return row


async def hosted_app(context: Context, system: System) -> str:
    """Its repository lies at a code host; its deployments are written by the tests, without building."""
    config = AppConfig(source=Source(repo_url="https://git.example/team/shop.git"))
    return (await create_app(context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


async def plain_app(context: Context, system: System) -> str:
    config = AppConfig(health_check=HealthCheck(start_period=1))
    return (await create_app(context, NewApp("shop", config=config), system.actor)).app.id


def happened(context: Context, app_id: str, *kinds: str) -> None:
    def write(session: Session) -> None:
        for kind in kinds:
            record(session, app_id, kind, f"It is {kind}.", now=context.clock.now())

    with context.database.write() as session:
        write(session)


def messages(context: Context) -> list[Message]:
    with context.database.read() as session:
        return list(session.exec(select(Message).order_by(Message.sequence, Message.id)))


def make_due(context: Context) -> None:
    """As if the time of the next attempt had come."""
    with context.database.write() as session:
        for row in session.exec(select(Message).where(Message.finished_at == None)).all():  # noqa: E711 - SQL
            row.next_at = context.clock.now() - timedelta(seconds=1)
            session.add(row)


def kinds(context: Context, app_id: str) -> list[str]:
    with context.database.read() as session:
        return [event.kind for event in events_after(session, app_id, 0, 1000)]


async def send(context: Context, watch: SendWatch | None = None) -> bool:
    return await send_messages(context, watch or SendWatch())


async def test_each_event_is_told_once_however_often_and_by_however_many(context, system, receiver):
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    happened(context, app_id, "instance.healed", "instance.ready", "instance.healed")

    for _ in range(3):
        await tell(context)

    told = messages(context)
    assert [row.payload["type"] for row in told] == ["app.healed", "app.healed"]
    assert system.app(app_id).last_told == system.app(app_id).last_event


async def test_two_leaders_tell_the_same_event_once(context, system, receiver):
    """Both have read the app before either wrote: the second finds the row moved on."""
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    happened(context, app_id, *["instance.healed"] * 5)
    other = system.new_context()

    await asyncio.gather(tell(context), tell(other), tell(context))

    assert len(messages(context)) == 5


async def test_a_notifier_hears_only_what_it_asked_for_and_of_its_app(context, system, receiver):
    app_id = await plain_app(context, system)
    other_id = (await create_app(context, NewApp("other"), system.actor)).app.id
    mine, _ = add_notifier(context, system, receiver.url, ["healed"], app_id=app_id)
    add_notifier(context, system, receiver.url, ["failed"])
    add_notifier(context, system, receiver.url, ["healed"], enabled=False)
    happened(context, app_id, "instance.healed")
    happened(context, other_id, "instance.healed")

    await tell(context)

    assert [(row.app_id, row.target_id) for row in messages(context)] == [(app_id, mine.id)]


async def test_a_push_a_failure_and_a_way_back_are_told(context, system, repository, receiver):

    app_id = await plain_app(context, system)
    add_notifier(context, system, receiver.url)
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    await push(system, app_id, repository, "two", main__py="2")
    await system.settle()
    await roll_back(context, app_id, None, system.actor)
    await system.settle()
    system.builder.fail_next(BuildFailed("RUN make ended with code 2.\nand more"))
    await push(system, app_id, repository, "three", main__py="3")
    await system.settle()

    await tell(context)

    told = [(row.payload["type"], row.payload["data"]["deployment"]["number"]) for row in messages(context)]
    assert told == [("app.deployed", 1), ("app.deployed", 2), ("app.rolled_back", 3), ("app.failed", 4)]
    data = messages(context)[-1].payload["data"]
    assert data["app"]["slug"] == "shop"
    assert data["deployment"]["error"] == "RUN make ended with code 2.\nand more"


async def test_a_webhook_arrives_signed_so_that_the_library_verifies_it(context, system, receiver):
    app_id = await plain_app(context, system)
    _, secret = add_notifier(context, system, f"{receiver.url}/hook?key=x")
    receiver.on("POST", "/hook?key=x", 204)
    happened(context, app_id, "instance.healed")

    await tell(context)
    waiting = await send(context)

    (asked,) = receiver.asked
    given = Webhook(secret).verify(asked.raw, asked.headers)
    assert given["type"] == "app.healed"
    assert asked.headers["webhook-id"] == messages(context)[0].id
    assert (waiting, messages(context)[0].delivered) == (False, True)


async def test_apprise_gets_words_for_people(context, system, receiver):
    app_id = await plain_app(context, system)
    notifier, _ = add_notifier(context, system, f"{receiver.url.replace('http', 'json')}/hook")
    with context.database.write() as session:
        row = session.get_one(Notifier, notifier.id)
        row.kind, row.secret_encrypted = "apprise", None
    receiver.on("POST", "/hook", 200)
    happened(context, app_id, "instance.healed", "instance.healed", "instance.healed")
    await tell(context)

    assert not await send(context)

    assert [asked.body["title"] for asked in receiver.asked] == ["shop was healed"] * 3
    assert receiver.asked[0].body["message"] == "It is instance.healed.\nhttp://shop.localhost:8080"


async def test_what_did_not_arrive_is_sent_again_under_the_same_id_and_later_each_time(context, system, receiver):
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    for status in (500, 404, 302, 200):
        receiver.on("POST", "/hook", status)
    happened(context, app_id, "instance.healed")
    await tell(context)
    watch, waits = SendWatch(), []

    for _ in range(4):
        await send(context, watch)
        (row,) = messages(context)
        waits.append((row.next_at - context.clock.now()).total_seconds())
        make_due(context)

    assert len({asked.headers["webhook-id"] for asked in receiver.asked}) == 1
    assert waits[0] < waits[1] < waits[2]
    assert row.delivered
    assert row.attempts == 4


async def test_a_receiver_that_is_gone_turns_its_notifier_off(context, system, receiver):
    app_id = await plain_app(context, system)
    notifier, _ = add_notifier(context, system, f"{receiver.url}/hook")
    receiver.on("POST", "/hook", 410)
    happened(context, app_id, "instance.healed")
    await tell(context)

    assert not await send(context)

    assert not system.read(lambda session: session.get_one(Notifier, notifier.id)).enabled
    assert kinds(context, app_id)[-1] == "message.given_up"


async def test_given_up_after_a_day_and_seen_in_the_events(context, system, receiver):
    app_id = await plain_app(context, system)
    notifier, _ = add_notifier(context, system, f"{receiver.url}/hook")
    receiver.on("POST", "/hook", 500)
    happened(context, app_id, "instance.healed")
    await tell(context)
    with context.database.write() as session:
        row = session.exec(select(Message)).one()
        row.created_at -= timedelta(hours=24)
        session.add(row)

    assert not await send(context)
    await tell(context)

    (row,) = messages(context)
    assert (row.delivered, row.finished_at is not None) == (False, True)
    assert kinds(context, app_id)[-1] == "message.given_up", "and being given up is nothing to tell again"
    assert system.read(lambda session: session.get_one(Notifier, notifier.id)).last_error


async def test_a_receiver_that_asks_to_wait_is_left_alone_for_all_messages(context, system, receiver):
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    receiver.on("POST", "/hook", 429, headers={"Retry-After": "500"})
    happened(context, app_id, *["instance.healed"] * 5)
    await tell(context)
    watch = SendWatch()

    await send(context, watch)
    first = len(receiver.asked)
    make_due(context)
    await send(context, watch)

    assert first <= 2, "two may be under way when the first answer comes"
    assert len(receiver.asked) == first
    system.clock.ahead += 501
    make_due(context)
    await send(context, watch)
    assert len(receiver.asked) > first


async def test_a_lane_keeps_its_order_and_a_failed_head_holds_its_followers(context, system, receiver):
    app_id = await hosted_app(context, system)
    connection = add_connection(context, system, receiver.url)
    path = f"{REPO}/statuses/{COMMITS[0]}"
    receiver.on("POST", path, 503)
    receiver.on("POST", path, 201, {})
    write_statuses(context, app_id, connection, ["pending", "success"])

    await send(context)
    assert [body["state"] for body in receiver.bodies("POST", path)] == ["pending"]
    make_due(context)
    await send(context)

    assert [body["state"] for body in receiver.bodies("POST", path)] == ["pending", "pending", "success"]


async def test_a_dead_target_does_not_slow_the_others(context, system, receiver):
    """Two hundred messages for one who never answers, and ten for one who does: the ten are not behind them."""
    app_id = await plain_app(context, system)
    with ScriptedServer().serving() as dead:
        dead.on("POST", "/hook", hangs=True)
        receiver.on("POST", "/hook", 200)
        add_notifier(context, system, f"{dead.url}/hook")
        happened(context, app_id, *["instance.healed"] * 200)
        while await tell(context):
            pass
        add_notifier(context, system, f"{receiver.url}/hook")
        happened(context, app_id, *["instance.healed"] * 10)
        await tell(context)

        sending = asyncio.create_task(send(context))
        await until(lambda: so(len(receiver.asked) >= 10 or sending.done()))
        assert not sending.done(), sending.result()
        assert len(dead.asked) <= 2
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_many_dead_targets_share_half_of_the_places(context, system, receiver):
    app_id = await plain_app(context, system)
    with ScriptedServer().serving() as dead:
        dead.on("POST", "/hook", hangs=True)
        receiver.on("POST", "/hook", 200)
        gone = [add_notifier(context, system, f"{dead.url}/hook")[0].id for _ in range(30)]
        happened(context, app_id, "instance.healed")
        await tell(context)
        add_notifier(context, system, f"{receiver.url}/hook")
        happened(context, app_id, "instance.healed")
        await tell(context)

        sending = asyncio.create_task(send(context, SendWatch(doubtful=set(gone))))
        await until(lambda: so(len(receiver.asked) == 1 and len(dead.asked) == 8))
        assert len(dead.asked) == 8
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_two_leaders_never_send_one_message_twice_at_once(context, system, receiver):
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    receiver.on("POST", "/hook", 200)
    happened(context, app_id, *["instance.healed"] * 20)
    await tell(context)
    other = replace(context, holder=system.new_context().holder)

    await asyncio.gather(send(context), send(other))

    ids = [asked.headers["webhook-id"] for asked in receiver.asked]
    assert len(ids) == len(set(ids)) == 20


async def test_a_leader_that_dies_while_sending_leaves_the_message_to_the_next(context, system, receiver):
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    receiver.on("POST", "/hook", hangs=True)
    happened(context, app_id, "instance.healed")
    await tell(context)

    sending = asyncio.create_task(send(context))
    await until(lambda: so(bool(receiver.asked)))
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    (row,) = messages(context)
    assert row.finished_at is None
    make_due(context)
    with ScriptedServer().serving() as well:
        well.on("POST", "/hook", 200)
        with context.database.write() as session:
            notifier = session.exec(select(Notifier)).one()
            notifier.url_encrypted = context.cipher.encrypt(f"{well.url}/hook".encode())
            session.add(notifier)
        await send(context)
    assert messages(context)[0].delivered


async def test_a_message_that_nobody_knows_how_to_send_stops_no_other(context, system, receiver):
    app_id = await plain_app(context, system)
    add_notifier(context, system, f"{receiver.url}/hook")
    receiver.on("POST", "/hook", 200)
    with context.database.write() as session:
        app = session.get_one(App, app_id)
        write_note(session, context, app, Note("odd", "carrier pigeon", "x", "odd", {}))
    happened(context, app_id, "instance.healed")
    await tell(context)

    await send(context)

    assert [row.delivered for row in messages(context)] == [False, True]


def write_statuses(context: Context, app_id: str, connection: Connection, states: list[str]) -> None:
    with context.database.write() as session:
        app = session.get_one(App, app_id)
        for number, state in enumerate(states):
            payload = {
                "repository": "team/shop",
                "commit": COMMITS[0],
                "state": state,
                "context": "slipyard/shop",
                "description": "",
                "url": "",
            }
            write_note(session, context, app, Note(f"k{number}", "status", connection.id, "one", payload, number))


async def so(answer: bool) -> bool:
    return answer
