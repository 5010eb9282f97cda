"""Notifiers over the API: secrets shown once or never, addresses judged, and a test that says whether it arrived."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlmodel import select
from standardwebhooks import Webhook

from slipyard.domain.ids import new_id
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.store.tables import App, Message, Notifier
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.code_hosts.scripted_server import ScriptedServer
from tests.flow.system import System

PATH = "a-path-that-is-a-secret"


@pytest.fixture
def receiver() -> Iterator[ScriptedServer]:
    with ScriptedServer().serving() as server:
        yield server


@pytest.fixture
async def open_api(system: System) -> AsyncIterator[ApiServer]:
    """The operator has opened loopback."""
    settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
    async with serving(system, replace(system.context, settings=settings), working=False) as server:
        yield server


async def make(api: ApiServer, url: str, kind: str = "webhook", **more):
    return await api.client.post("/v1/notifiers", json={"name": "ops", "kind": kind, "url": url, **more})


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://169.254.169.254/latest", "https://[::1]/", "https://2130706433/", "http://example.com/",
        "ftp://example.com/", "https://user:pass@example.com/", "not a url", "https://[::ffff:127.0.0.1]/",
    ],
)  # fmt: skip
async def test_an_address_that_is_closed_is_refused_at_once(quiet_api: ApiServer, url):
    answer = await make(quiet_api, url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")
    assert (await quiet_api.client.get("/v1/notifiers")).json()["total"] == 0


@pytest.mark.parametrize("url", ["nosuchservice://x", "syslog://", "dbus://", "file:///etc/passwd", "just words"])
async def test_a_url_that_apprise_does_not_know_or_that_stays_on_this_machine_is_refused(quiet_api: ApiServer, url):
    answer = await make(quiet_api, url, "apprise")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")


async def test_events_that_there_are_none_of_are_refused(open_api: ApiServer, receiver):
    for events in ([], ["exploded"]):
        assert (await make(open_api, receiver.url, events=events)).status_code == 422
    assert (await make(open_api, receiver.url, app="nobody")).status_code == 404


async def test_a_webhooks_secret_is_shown_once_and_its_path_never(open_api: ApiServer, receiver, system):
    made = await make(open_api, f"{receiver.url}/{PATH}")
    listed = await open_api.client.get("/v1/notifiers")

    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert made.json()["events"] == [
        "deployed",
        "failed",
        "rolled_back",
        "healed",
        "alert",
        "resolved",
        "backup_failed",
    ]
    assert made.json()["target"] == receiver.url
    assert "secret" not in listed.json()["notifiers"][0]
    assert PATH not in made.text + listed.text
    row = system.read(lambda session: session.exec(select(Notifier)).one())
    assert PATH.encode() not in row.url_encrypted


async def test_the_same_request_again_makes_no_second_one_and_shows_no_secret(open_api: ApiServer, receiver):
    body = {"name": "ops", "kind": "webhook", "url": receiver.url}
    headers = {"Idempotency-Key": "once"}
    first = await open_api.client.post("/v1/notifiers", json=body, headers=headers)
    second = await open_api.client.post("/v1/notifiers", json=body, headers=headers)
    assert first.json()["id"] == second.json()["id"]
    assert second.json()["secret"] is None


async def test_a_test_arrives_signed_or_says_why_not(open_api: ApiServer, receiver):
    made = (await make(open_api, f"{receiver.url}/{PATH}")).json()
    receiver.on("POST", f"/{PATH}", 200)
    receiver.on("POST", f"/{PATH}", 500)

    well = (await open_api.client.post("/v1/notifiers/ops/test")).json()
    ill = (await open_api.client.post("/v1/notifiers/ops/test")).json()

    given = Webhook(made["secret"]).verify(receiver.asked[0].raw, receiver.asked[0].headers)
    assert (given["type"], well["success"], ill["success"]) == ("test", True, False)
    assert "500" in ill["message"]
    assert PATH not in ill["message"]


async def test_apprise_reaches_a_service_and_its_url_is_never_shown(open_api: ApiServer, receiver):
    url = f"{receiver.url.replace('http', 'json')}/{PATH}"
    made = await make(open_api, url, "apprise")
    receiver.on("POST", f"/{PATH}", 200)
    receiver.on("POST", f"/{PATH}", 503)

    well = (await open_api.client.post("/v1/notifiers/ops/test")).json()
    ill = (await open_api.client.post("/v1/notifiers/ops/test")).json()

    assert (made.json()["target"], made.json()["secret"]) == ("json://", None)
    assert well == {"success": True, "message": "It arrived."}
    assert "It works where you can read this" in receiver.asked[0].body["message"]
    assert not ill["success"]
    assert "503" in ill["message"]
    assert PATH not in str(ill)


async def test_apprise_dials_no_closed_address_whatever_its_url_or_its_service_says(quiet_api: ApiServer, receiver):
    for host in ("127.0.0.1", "localhost"):
        url = f"{receiver.url.replace('http', 'json').replace('127.0.0.1', host)}/x"
        made = (await make(quiet_api, url, "apprise")).json()
        tried = (await quiet_api.client.post(f"/v1/notifiers/{made['id']}/test")).json()
        assert not tried["success"]
        assert "closed" in tried["message"]
    assert receiver.asked == []


@pytest.mark.parametrize("opened", ["127.0.0.1/32", "127.0.0.0/8"])
async def test_apprise_follows_no_redirect_into_a_closed_network(system: System, receiver, opened):
    """The first host is open by name; where it points to only in the second case, in which it is really followed."""
    settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network(opened)]})
    with ScriptedServer("127.0.0.2").serving() as elsewhere:
        elsewhere.on("POST", "/inside", 200)
        async with serving(system, replace(system.context, settings=settings), working=False) as api:
            receiver.on("POST", "/x", 307, headers={"Location": f"{elsewhere.url}/inside"})
            await make(api, f"{receiver.url.replace('http', 'json')}/x", "apprise")
            tried = (await api.client.post("/v1/notifiers/ops/test")).json()
        followed = opened == "127.0.0.0/8"
        assert (tried["success"], len(elsewhere.asked)) == (followed, int(followed))


async def test_changes_keep_the_secret_and_forget_old_failures(open_api: ApiServer, receiver, system):
    made = (await make(open_api, f"{receiver.url}/old")).json()
    with system.context.database.write() as session:
        row = session.get_one(Notifier, made["id"])
        row.enabled, row.failed_in_a_row, row.last_error = False, 7, "410"

    answer = await open_api.client.patch(
        f"/v1/notifiers/{made['id']}", json={"url": f"{receiver.url}/new", "events": ["failed"], "enabled": True}
    )
    receiver.on("POST", "/new", 200)
    await open_api.client.post("/v1/notifiers/ops/test")

    changed = answer.json()
    assert (changed["enabled"], changed["events"], changed["failed_in_a_row"]) == (True, ["failed"], 0)
    assert changed["last_error"] is None
    Webhook(made["secret"]).verify(receiver.asked[0].raw, receiver.asked[0].headers)
    closed = await open_api.client.patch(f"/v1/notifiers/{made['id']}", json={"url": "https://169.254.169.254/"})
    assert closed.status_code == 422


async def test_lists_by_app_and_is_nobody_elses(open_api: ApiServer, receiver, system):
    await create_app(system.context, NewApp("shop"), system.actor)
    await make(open_api, receiver.url)
    mine = (await make(open_api, receiver.url, app="shop", name="shop only")).json()

    found = (await open_api.client.get("/v1/notifiers?app=shop")).json()["notifiers"]
    assert [row["id"] for row in found] == [mine["id"]]
    assert (await open_api.client.delete(f"/v1/notifiers/{mine['id']}")).status_code == 200
    assert (await open_api.client.get(f"/v1/notifiers/{mine['id']}")).status_code == 404


async def test_the_outbox_of_an_app_shows_what_did_not_arrive(open_api: ApiServer, system):
    app = (await create_app(system.context, NewApp("shop"), system.actor)).app

    def message(number: int, **columns) -> Message:
        payload = {"type": "app.failed", "timestamp": "t", "data": {"message": f"reason {number}"}}
        return Message(
            id=new_id("msg"), key=str(number), app_id=app.id, kind="webhook", target_id="ntf_x", lane="x", sequence=number,
            payload=payload, next_at=app.created_at, created_at=app.created_at, **columns,
        )  # fmt: skip

    with system.context.database.write() as session:
        session.get_one(App, app.id)
        session.add(message(1, finished_at=app.created_at, delivered=True))
        session.add(message(2, finished_at=app.created_at, error="It answered 500."))
        session.add(message(3))

    found = (await open_api.client.get("/v1/apps/shop/messages")).json()["messages"]

    assert [row["state"] for row in found] == ["waiting", "given_up", "delivered"]
    assert (found[1]["error"], found[1]["what"]) == ("It answered 500.", "app.failed: reason 2")
