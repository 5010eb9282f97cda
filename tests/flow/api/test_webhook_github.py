"""Deliveries of GitHub as it really sends them: what deploys, what does not and why, and each counts once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from slipyard.domain.skip_markers import MARKERS
from slipyard.store.tables import Delivery
from slipyard.webhooks.left_open import decide_left_open
from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import Hook, branch_push, real_others, real_pushes

HEAD = branch_push()["head_commit"]


@pytest.mark.parametrize("event", sorted(real_others()))
async def test_other_events_deploy_nothing_and_say_why(quiet_api: ApiServer, event: str) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(real_others()[event], event)

    assert answer.status_code == 200
    (verdict,) = answer.json()
    assert (verdict["app"], verdict["status"], verdict["deployment_id"]) == ("shop", "ignored", None)
    assert ("works" in verdict["message"]) == (event == "ping")


@pytest.mark.parametrize("number", [n for n, push in enumerate(real_pushes()) if push["ref"].startswith("refs/tags/")])
async def test_tags_deploy_nothing_whether_made_or_deleted(quiet_api: ApiServer, number: int) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(real_pushes()[number])

    assert (answer.status_code, answer.json()[0]["status"]) == (200, "ignored")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ref": "refs/heads/other"}, "only branch master is deployed"),
        ({"deleted": True, "after": "0" * 40, "head_commit": None}, "what is live stays"),
    ],
)
async def test_other_branches_and_deletions(quiet_api: ApiServer, changes: dict[str, object], reason: str) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(branch_push(**changes))

    assert answer.status_code == 200
    assert reason in answer.json()[0]["message"]
    assert await hook.deployments() == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"branch": "master"}, "its own git remote"),
        ({"image": "example.org/shop:1"}, "is image, not git"),
        ({"repo_url": "https://github.com/a/b.git", "branch": "master", "auto_deploy": False}, "auto_deploy is off"),
    ],
)
async def test_an_app_that_does_not_follow_this_repository(
    quiet_api: ApiServer, fields: dict[str, object], reason: str
) -> None:
    hook = await Hook.make(quiet_api, **fields)

    answer = await hook.deliver(branch_push())

    assert (answer.status_code, answer.json()[0]["status"]) == (200, "ignored")
    assert reason in answer.json()[0]["message"]


@pytest.mark.parametrize("marker", MARKERS)
async def test_a_marker_in_the_head_commit_skips(quiet_api: ApiServer, marker: str) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(branch_push(head_commit=HEAD | {"message": f"docs\n\n[{marker.upper()}]"}))

    assert (answer.status_code, answer.json()[0]["status"]) == (200, "skipped")
    assert await hook.deployments() == []


async def test_a_marker_in_an_older_commit_of_the_push_skips_nothing(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(branch_push(commits=[HEAD | {"message": "[skip ci]"}, HEAD]))

    assert answer.json()[0]["status"] == "deployed"


async def test_a_push_is_accepted_with_its_deployment(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(branch_push())

    assert answer.status_code == 202
    (verdict,) = answer.json()
    (deployment,) = await hook.deployments()
    (delivery,) = await hook.deliveries()
    assert (verdict["app"], verdict["status"]) == ("shop", "deployed")
    assert verdict["deployment_id"] == deployment["id"] == delivery["deployment_id"]
    assert (deployment["trigger"], deployment["actor"]) == ("github", branch_push()["pusher"]["name"])
    assert deployment["commit"] == branch_push()["after"]
    assert (delivery["event"], delivery["verdict"]) == ("push", "deployed")


async def test_a_form_says_the_same_as_json(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver_form(branch_push())

    assert (answer.status_code, answer.json()[0]["status"]) == (202, "deployed")


async def test_the_same_delivery_again_counts_once(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    first = await hook.deliver(branch_push(), x_github_delivery="72d3162e")

    second = await hook.deliver(branch_push(), x_github_delivery="72d3162e")

    assert (first.status_code, second.status_code) == (202, 200)
    assert "received before" in second.json()[0]["message"]
    assert second.json()[0]["deployment_id"] == first.json()[0]["deployment_id"]
    assert len(await hook.deployments()) == 1


async def test_an_old_body_under_a_new_id_is_a_replay(quiet_api: ApiServer) -> None:
    """The id is not signed, and a forced push would otherwise bring back any old commit."""
    hook = await Hook.make(quiet_api)
    old = branch_push(forced=True)
    await hook.deliver(old)
    await hook.deliver(branch_push(after="b" * 40))

    replayed = await hook.deliver(old)

    assert replayed.status_code == 200
    assert "received before" in replayed.json()[0]["message"]
    assert len(await hook.deployments()) == 2


async def test_ten_of_the_same_at_once_count_once(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    answers = await asyncio.gather(*(hook.deliver(branch_push(), x_github_delivery="72d3162e") for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert len(await hook.deployments()) == 1


async def test_the_same_delivery_for_two_apps_counts_for_both(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    body = {"name": "other", "deploy": False, "repo_url": "https://github.com/a/b.git", "branch": "master"}
    await quiet_api.client.post("/v1/apps", json=body)
    made = (await quiet_api.client.post("/v1/apps/other/webhooks", json={})).json()
    other = Hook(quiet_api, made["url"].removeprefix(quiet_api.context.settings.api_url), made["secret"])

    answers = [await each.deliver(branch_push(), x_github_delivery="72d3162e") for each in (hook, other)]

    assert [answer.json()[0]["app"] for answer in answers] == ["shop", "other"]
    assert [answer.status_code for answer in answers] == [202, 202]


async def test_a_queue_that_loses_everything_changes_no_answer(quiet_api: ApiServer) -> None:
    quiet_api.system.queue.lossy = True
    hook = await Hook.make(quiet_api)

    assert (await hook.deliver(branch_push())).status_code == 202
    assert len(await hook.deployments()) == 1


async def test_a_delivery_that_a_crash_left_open_is_decided_later_and_once(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    _reopen(quiet_api)

    decided = await decide_left_open(quiet_api.context, timedelta(0))

    (delivery,) = await hook.deliveries()
    (deployment,) = await hook.deployments()
    assert decided == 1
    assert (delivery["verdict"], delivery["deployment_id"]) == ("deployed", deployment["id"])
    assert await decide_left_open(quiet_api.context, timedelta(0)) == 0


async def test_a_delivery_that_is_being_answered_is_left_alone(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    _reopen(quiet_api)

    assert await decide_left_open(quiet_api.context) == 0


async def test_a_secret_is_shown_once(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    listed = (await quiet_api.client.get("/v1/apps/shop/webhooks")).text

    assert hook.path in listed
    assert hook.secret not in listed
    assert (await quiet_api.client.get("/v1/apps/shop")).json()["webhook"]["url"].endswith(hook.path)


def _reopen(api: ApiServer) -> None:
    """As it was between the delivery's commit and its verdict's."""
    with api.context.database.write() as session:
        session.execute(update(Delivery).values(verdict=None, reason=None, deployment_id=None, decided_at=None))
