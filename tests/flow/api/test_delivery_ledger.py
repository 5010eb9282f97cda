"""The ledger: what came, what was decided for which app and why, what it caused, and a new attempt at it."""

import asyncio
import base64
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from slipyard.store.pruning import prune_delivery_bodies
from slipyard.store.queries.hooks import undecided_deliveries
from slipyard.store.tables import Decision, Delivery, Push
from slipyard.webhooks.left_open import decide_left_open
from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import REPOSITORY, Hook, branch_push, real_others

PATH = "/v1/apps/shop/deliveries"
BEFORE, AFTER = branch_push()["before"], branch_push()["after"]


async def other_app(api: ApiServer, name: str, **fields: Any) -> None:
    body = {"name": name, "deploy": False, "repo_url": REPOSITORY, "branch": "master"} | fields
    (await api.client.post("/v1/apps", json=body)).raise_for_status()


async def test_a_delivery_of_another_app_is_not_there(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    await other_app(quiet_api, "other", repo_url="https://example.org/a/b.git")
    (row,) = await hook.deliveries()

    for call, path in (("GET", ""), ("POST", "/replay")):
        answer = await quiet_api.client.request(call, f"/v1/apps/other/deliveries/{row['id']}{path}")
        assert answer.status_code == 404


async def test_a_reader_may_not_replay(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    (row,) = await hook.deliveries()
    reader = quiet_api.client_of(quiet_api.token("apps:read"))

    assert (await reader.post(f"{PATH}/{row['id']}/replay")).status_code == 403
    assert (await reader.get(f"{PATH}/{row['id']}")).status_code == 200


async def test_a_delivery_shows_what_came_and_what_it_caused(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push(), x_github_delivery="72d3162e", authorization="Bearer of-somebody")

    (row,) = await hook.deliveries()
    shown = (await quiet_api.client.get(f"{PATH}/{row['id']}")).json()

    (deployment,) = await hook.deployments()
    assert (shown["provider"], shown["provider_id"], shown["event"]) == ("github", "72d3162e", "push")
    assert (shown["body_encoding"], shown["body_kept"]) == ("text", "whole")
    assert AFTER in shown["body"]
    assert shown["headers"]["x-github-event"] == "push"
    assert not {"authorization", "x-hub-signature-256"} & set(shown["headers"])
    assert hook.secret not in str(shown)
    assert shown["milliseconds"] >= 0
    assert [(each["app"], each["verdict"]) for each in shown["decisions"]] == [("shop", "deployed")]
    assert [(each["rule"], each["decision"]) for each in shown["pushes"]] == [("branch", "accepted")]
    assert [each["id"] for each in shown["deployments"]] == [deployment["id"]]
    assert [each["status"] for each in shown["builds"]] == ["queued"]


async def test_a_body_that_is_no_text_is_shown_all_the_same(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    change(quiet_api, body=b"\xff\x00")
    (row,) = await hook.deliveries()

    shown = (await quiet_api.client.get(f"{PATH}/{row['id']}")).json()

    assert (shown["body_encoding"], base64.b64decode(shown["body"])) == ("base64", b"\xff\x00")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"verdict": "deployed"}, ["push"]),
        ({"verdict": "ignored"}, ["issues"]),
        ({"verdict": "open"}, []),
        ({"event": "issues"}, ["issues"]),
        ({"since": "2999-01-01T00:00:00Z"}, []),
        ({"since": "2000-01-01T00:00:00Z"}, ["issues", "push"]),
        ({"limit": 1}, ["issues"]),
        ({"limit": 1, "offset": 1}, ["push"]),
    ],
)
async def test_the_list_is_filtered_and_paged(quiet_api: ApiServer, query: dict[str, Any], found: list[str]) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    await hook.deliver(real_others()["issues"], "issues")

    answer = (await quiet_api.client.get(PATH, params=query)).json()

    assert [row["event"] for row in answer["deliveries"]] == found
    assert answer["total"] == (2 if "limit" in query else len(found))


@pytest.mark.parametrize("query", [{"verdict": "lost"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}])
async def test_filters_that_mean_nothing_are_refused(quiet_api: ApiServer, query: dict[str, str]) -> None:
    await Hook.make(quiet_api)

    assert (await quiet_api.client.get(PATH, params=query)).status_code == 422


async def test_one_hook_feeds_every_app_of_its_repository(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await other_app(quiet_api, "docs", repo_url="git@github.com:Codertocat/Hello-World", watch_paths=["docs/**"])
    await other_app(quiet_api, "manual", auto_deploy=False)
    await other_app(quiet_api, "elsewhere", repo_url="https://gitlab.com/Codertocat/Hello-World")

    answer = await hook.deliver(branch_push())

    verdicts = {row["app"]: row["status"] for row in answer.json()}
    assert answer.status_code == 202
    assert next(iter(verdicts)) == "shop"
    assert verdicts == {"shop": "deployed", "docs": "deployed", "manual": "ignored"}
    assert {row["app"]: row["deployment_id"] is None for row in answer.json()} == {
        "shop": False, "docs": False, "manual": True,
    }  # fmt: skip
    (of_manual,) = (await quiet_api.client.get("/v1/apps/manual/deliveries")).json()["deliveries"]
    assert (of_manual["verdict"], of_manual["deployment_id"]) == ("ignored", None)
    assert "auto_deploy is off" in of_manual["reason"]


async def test_two_hooks_of_one_repository_deploy_each_app_once(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await other_app(quiet_api, "docs")
    made = (await quiet_api.client.post("/v1/apps/docs/webhooks", json={})).json()
    other = Hook(quiet_api, made["url"].removeprefix(quiet_api.context.settings.api_url), made["secret"])

    await asyncio.gather(*(each.deliver(branch_push(), x_github_delivery="1") for each in (hook, other)))

    for app in ("shop", "docs"):
        assert (await quiet_api.client.get(f"/v1/apps/{app}/deployments")).json()["total"] == 1


async def test_a_crash_between_two_apps_leaves_each_with_one_decision(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await other_app(quiet_api, "docs")
    await hook.deliver(branch_push())
    docs = (await quiet_api.client.get("/v1/apps/docs")).json()["id"]
    with quiet_api.context.database.write() as session:
        session.execute(delete(Decision).where(Decision.app_id == docs))
        session.execute(delete(Push).where(Push.app_id == docs))
        session.execute(update(Delivery).values(verdict=None, decided_at=None))

    assert await decide_left_open(quiet_api.context, timedelta(0)) == 1
    (row,) = (await quiet_api.client.get("/v1/apps/docs/deliveries")).json()["deliveries"]
    assert row["verdict"] == "ignored"  # its commit had been decided before the crash
    assert len(await hook.deployments()) == 1


async def test_many_that_fail_hold_up_no_other(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = await Hook.make(quiet_api)
    for number in range(3):
        await hook.deliver(branch_push(after=f"{number + 1:040x}", before=f"{number:040x}"))
    rows = await hook.deliveries()
    change(quiet_api, verdict=None, decided_at=None)
    with quiet_api.context.database.write() as session:
        session.execute(delete(Decision))
    broken = {rows[-1]["id"], rows[-2]["id"]}
    monkeypatch.setattr("slipyard.webhooks.left_open.decide_delivery", failing_for(broken))
    one_a_page = partial(undecided_deliveries, limit=1)
    monkeypatch.setattr("slipyard.webhooks.left_open.undecided_deliveries", one_a_page)

    assert await decide_left_open(quiet_api.context, timedelta(0)) == 1
    assert {row["id"] for row in await hook.deliveries() if row["verdict"] is None} == broken


async def test_a_replay_of_what_is_under_way_says_so_and_force_deploys_it(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    (first,) = await hook.deliveries()

    under_way = await quiet_api.client.post(f"{PATH}/{first['id']}/replay")
    forced = await quiet_api.client.post(f"{PATH}/{first['id']}/replay", params={"force": "true"})

    assert (under_way.status_code, forced.status_code) == (200, 202)
    assert "decided before" in under_way.json()["message"]
    assert forced.json()["replay_of"] == first["id"]
    assert forced.json()["deployment_id"] not in {None, first["deployment_id"]}
    shown = (await quiet_api.client.get(f"{PATH}/{first['id']}")).json()
    assert shown["replays"] == [under_way.json()["delivery_id"], forced.json()["delivery_id"]]
    assert [row["replay_of"] for row in await hook.deliveries()] == [first["id"], first["id"], None]


async def test_a_replay_is_decided_by_the_rules_of_today(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await quiet_api.client.patch("/v1/apps/shop", json={"auto_deploy": False})
    await hook.deliver(branch_push())
    (ignored,) = await hook.deliveries()
    await quiet_api.client.patch("/v1/apps/shop", json={"auto_deploy": True})

    answer = await quiet_api.client.post(f"{PATH}/{ignored['id']}/replay")

    assert answer.status_code == 202
    assert answer.json()["decisions"][0]["status"] == "deployed"
    assert (await hook.deliveries())[-1]["verdict"] == "ignored"  # what was decided then stays written


async def test_a_replay_of_an_older_push_does_not_go_back(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    await hook.deliver(branch_push(before=AFTER, after="b" * 40))
    older = (await hook.deliveries())[-1]

    answer = await quiet_api.client.post(f"{PATH}/{older['id']}/replay", params={"force": "true"})

    assert (answer.status_code, answer.json()["decisions"][0]["status"]) == (200, "superseded")


async def test_a_body_that_retention_took_cannot_be_replayed(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    (row,) = await hook.deliveries()
    with quiet_api.context.database.write() as session:
        assert prune_delivery_bodies(session, most_bytes=10) == 1

    shown = (await quiet_api.client.get(f"{PATH}/{row['id']}")).json()
    answer = await quiet_api.client.post(f"{PATH}/{row['id']}/replay")

    assert (shown["body"], shown["body_kept"], shown["verdict"]) == (None, "removed", "deployed")
    assert answer.status_code == 409
    assert "not kept any more" in answer.json()["error"]["message"]


async def test_a_check_lets_the_push_go_that_waited_for_it(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await quiet_api.client.patch("/v1/apps/shop", json={"triggers": {"after_check": "test"}})
    held = await hook.deliver(branch_push())
    failed = await hook.deliver(check_run("failure"), "check_run")
    passed = await hook.deliver(check_run("success"), "check_run")

    assert [status_of(each) for each in (held, failed, passed)] == ["skipped", "skipped", "deployed"]
    assert "waits for the check test" in held.json()[0]["message"]
    (deployment,) = await hook.deployments()
    of_push = (await hook.deliveries())[-1]
    assert (of_push["verdict"], of_push["deployment_id"]) == ("skipped", deployment["id"])
    assert "which passed" in of_push["reason"]


def status_of(answer: httpx.Response) -> str:
    return str(answer.json()[0]["status"])


def check_run(conclusion: str) -> dict[str, Any]:
    suite = {"head_branch": "master"}
    run = {"name": "test", "head_sha": AFTER, "conclusion": conclusion, "check_suite": suite}
    return {"action": "completed", "check_run": run, "repository": branch_push()["repository"]}


def change(api: ApiServer, **values: Any) -> None:
    with api.context.database.write() as session:
        session.execute(update(Delivery).values(**values))


def failing_for(broken: set[str]) -> Any:
    async def decide(context: Any, delivery_id: str) -> None:
        if delivery_id in broken:
            raise RuntimeError("it cannot be decided")
        with context.database.write() as session:
            session.execute(update(Delivery).where(Delivery.id == delivery_id).values(verdict="ignored"))

    return decide
