"""Logs, progress and events: read from a byte, followed, and resumed without a lost or doubled byte."""

import asyncio
import json

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.store.log_file import LogFile
from tests.flow.api.api_server import ApiServer
from tests.flow.api.event_stream import Sent, events
from tests.flow.api.git_client import push
from tests.flow.repository import Repository


async def deployed(api: ApiServer, repository: Repository) -> str:
    """The id of the deployment of a first push."""
    repository.commit("one", main__py="1")
    assert (await push(repository, api.remote("shop"))).status == 0
    return str((await api.client.get("/v1/apps/shop")).json()["active_deployment_id"])


def text(sent: list[Sent], *kinds: str) -> str:
    return "".join(f"{each.data}\n" for each in sent if each.kind in kinds)


@pytest.mark.parametrize("last", ["x", "-1", "9" * 30])
async def test_an_id_that_is_not_of_this_stream_is_refused(api: ApiServer, repository: Repository, last: str) -> None:
    await deployed(api, repository)

    answer = await api.client.get(
        "/v1/apps/shop/build-log", headers={"Accept": "text/event-stream", "Last-Event-ID": last}
    )

    assert answer.status_code == 400


async def test_an_app_that_was_never_built_says_so(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})

    answer = await quiet_api.client.get("/v1/apps/shop/build-log")

    assert answer.status_code == 404
    assert "never built" in answer.json()["error"]["message"]


async def test_a_log_is_read_from_a_byte(api: ApiServer, repository: Repository) -> None:
    await deployed(api, repository)
    (build,) = api.system.builds(api.system.read(_first_app))
    whole = api.context.layout.build_log(build.id).read_bytes()

    answer = await api.client.get("/v1/apps/shop/build-log?offset=10")
    end = await api.client.get(f"/v1/apps/shop/builds/{build.id}/log?offset={answer.headers['X-Next-Offset']}")

    assert answer.content == whole[10:]
    assert answer.headers["X-Log-Complete"] == "true"
    assert end.content == b""


async def test_a_log_is_followed_while_it_grows_and_resumed_where_it_was_cut(
    quiet_api: ApiServer, repository: Repository
) -> None:
    repository.commit("one", main__py="1")
    await push(repository, quiet_api.remote("shop"), "-o", "detach", "main")
    (build,) = quiet_api.system.builds(quiet_api.system.read(_first_app))
    log = LogFile(quiet_api.context.layout.build_log(build.id))
    path = f"/v1/apps/shop/builds/{build.id}/log"
    log.append(["first", "zweite ü"])

    cut = await events(quiet_api.client, path, most=1)
    following = asyncio.create_task(events(quiet_api.client, path, last=cut[-1].identity))
    log.append(["third"])
    await quiet_api.system.settle()
    rest = await following

    assert text(cut + rest, "message") == log.path.read_text()
    assert rest[-1].kind == "done"
    assert int(rest[-1].identity) == log.size()


async def test_progress_tells_everything_once_in_order(api: ApiServer, repository: Repository) -> None:
    deployment_id = await deployed(api, repository)
    path = f"/v1/apps/shop/deployments/{deployment_id}/progress"

    whole = await events(api.client, path)

    (build,) = api.system.builds(api.system.read(_first_app))
    assert text(whole, "build") == api.system.build_log(build.id)
    assert text(whole, "rollout") == api.system.deployment_log(deployment_id)
    done = json.loads(whole[-1].data)
    assert (whole[-1].kind, done["status"], done["url"]) == ("done", "active", "http://shop.localhost:8080")


async def test_progress_resumes_at_any_event(api: ApiServer, repository: Repository) -> None:
    deployment_id = await deployed(api, repository)
    path = f"/v1/apps/shop/deployments/{deployment_id}/progress"
    whole = await events(api.client, path)

    for cut in range(1, len(whole)):
        rest = await events(api.client, path, last=whole[cut - 1].identity)
        for kind in ("build", "rollout"):
            assert text(whole[:cut], kind) + text(rest, kind) == text(whole, kind)


async def test_the_progress_of_a_failure_ends_with_the_reason_and_the_last_lines(
    api: ApiServer, repository: Repository
) -> None:
    api.system.builder.behaviour = Behaviour(ready_after=99, exits_after=0, exit_code=3, output=("boom",))
    repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))
    (row,) = api.system.deployments(api.system.read(_first_app))

    done = json.loads((await events(api.client, f"/v1/apps/shop/deployments/{row.id}/progress"))[-1].data)

    assert (done["status"], done["log_tail"], done["still_serves"]) == ("failed", ["boom"], False)
    assert done["error"]


async def test_events_are_numbered_without_gaps_and_resume(api: ApiServer, repository: Repository) -> None:
    await deployed(api, repository)
    listed = (await api.client.get("/v1/apps/shop/events")).json()

    numbers = [row["sequence"] for row in listed["events"]]
    streamed = await events(api.client, "/v1/apps/shop/events", last="2", most=len(numbers) - 2)

    assert numbers == list(range(1, len(numbers) + 1))
    assert [sent.identity for sent in streamed] == [str(number) for number in numbers[2:]]
    assert json.loads(streamed[0].data) == listed["events"][2]


async def test_the_newest_events_and_those_of_one_kind(api: ApiServer, repository: Repository) -> None:
    await deployed(api, repository)
    listed = (await api.client.get("/v1/apps/shop/events")).json()["events"]

    newest = (await api.client.get("/v1/apps/shop/events?newest=true&limit=2")).json()
    of_deployments = (await api.client.get("/v1/apps/shop/events?kind=deployment")).json()["events"]
    exactly = (await api.client.get("/v1/apps/shop/events?kind=deployment.active")).json()["events"]
    followed = await events(api.client, "/v1/apps/shop/events?kind=deployment", most=2)

    assert (newest["events"], newest["has_more"]) == (listed[-2:], True)
    assert newest["next_after"] == listed[-1]["sequence"]
    assert of_deployments == [row for row in listed if row["kind"].startswith("deployment.")]
    assert [row["kind"] for row in exactly] == ["deployment.active"]
    assert [json.loads(sent.data) for sent in followed] == of_deployments[:2]
    assert (await api.client.get("/v1/apps/shop/events?kind=deploy_ment")).json()["events"] == []


async def test_the_output_of_an_app_as_json_as_text_and_followed(api: ApiServer, repository: Repository) -> None:
    api.system.builder.behaviour = Behaviour(output=("hello", "world"))
    await deployed(api, repository)

    page = (await api.client.get("/v1/apps/shop/logs?lines=1")).json()
    lines = await api.client.get("/v1/apps/shop/logs", headers={"Accept": "text/plain"})
    followed = await events(api.client, "/v1/apps/shop/logs", most=2)

    assert ([entry["message"] for entry in page["logs"]], page["has_more"]) == (["world"], True)
    assert [line.split(" ", 1)[1] for line in lines.text.splitlines()] == ["hello", "world"]
    assert [json.loads(sent.data)["message"] for sent in followed] == ["hello", "world"]
    assert (await api.client.get("/v1/apps/shop/logs?search=hell")).json()["logs"][0]["message"] == "hello"
    assert (await api.client.get("/v1/apps/shop/logs?instance=ins_none")).status_code == 404


def _first_app(session) -> str:
    from sqlmodel import select

    from slipyard.store.tables import App

    return session.exec(select(App.id)).one()
