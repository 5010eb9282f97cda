"""A webhook's life: it waits for its first push, is tried out, gets a new secret, and feeds image apps too."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from slipyard.domain.announcement import Kind
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.examine import Claim, examine
from slipyard.webhooks.hook_settings import checked_settings, new_secret
from slipyard.webhooks.proof import PATH_SECRET
from slipyard.webhooks.providers import PROVIDERS, provider_named
from slipyard.webhooks.trial import is_trial, trial_body, trial_headers
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.api.github_deliveries import Hook, branch_push, real_others

SHOP = "/v1/apps/shop"
FIELDS = {"image": BodyFields(image="/a/image", tag="/tag"), "push": BodyFields(ref="/push/0/ref", commit="/push/0/id")}


async def test_an_app_without_a_webhook_says_how_to_make_one(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})

    for call, path in (("GET", "webhook"), ("POST", "webhook/rotate"), ("POST", "webhook/test"), ("GET", "webhooks/x")):
        answer = await quiet_api.client.request(call, f"{SHOP}/{path}")
        assert (answer.status_code, "webhook" in answer.json()["error"]["message"]) == (404, True)


async def test_a_webhook_waits_for_its_first_push(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    states = [await state(quiet_api)]
    await hook.deliver(branch_push(), x_hub_signature_256="sha256=" + "0" * 64)
    states.append(await state(quiet_api))
    await hook.deliver(real_others()["ping"], "ping")
    states.append(await state(quiet_api))
    await hook.deliver(branch_push())
    states.append(await state(quiet_api))

    assert [each["state"] for each in states] == ["waiting", "waiting", "connected", "receiving"]
    assert states[0]["waiting_since"] is not None
    assert states[0]["state_message"] == "Waiting for your first push."
    assert "1 deliveries were refused" in states[1]["state_message"]
    assert states[2]["waiting_since"] == states[0]["waiting_since"]
    assert states[3]["waiting_since"] is None


async def test_the_old_secret_stops_at_once(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    rotated = (await quiet_api.client.post(f"{SHOP}/webhook/rotate")).json()
    before = await hook.deliver(branch_push())
    hook.secret = rotated["secret"]
    after = await hook.deliver(branch_push())

    assert (before.status_code, after.status_code) == (401, 202)
    assert hook.secret not in (await quiet_api.client.get(f"{SHOP}/webhook")).text


async def test_a_reader_sees_and_changes_nothing(quiet_api: ApiServer) -> None:
    await Hook.make(quiet_api)
    reader = quiet_api.client_of(quiet_api.token("apps:read"))

    assert (await reader.get(f"{SHOP}/webhook")).status_code == 200
    assert (await reader.post(f"{SHOP}/webhook/rotate")).status_code == 403
    assert (await reader.post(f"{SHOP}/webhook/test")).status_code == 403


async def test_a_trial_through_a_public_url_that_nobody_answers_says_what_to_set(quiet_api: ApiServer) -> None:
    """The settings of this one say port 7007; the server listens elsewhere."""
    closed = quiet_api.context.settings.model_copy(update={"public_url": "http://127.0.0.1:9"})
    async with serving(quiet_api.system, replace(quiet_api.context, settings=closed), working=False) as api:
        await Hook.make(api)
        tried = (await api.client.post(f"{SHOP}/webhook/test")).json()

    assert (tried["success"], tried["status"], tried["delivery_id"]) == (False, None, None)
    assert "SLIPYARD_PUBLIC_URL" in tried["message"]


async def test_a_trial_arrives_here_and_is_no_first_push(quiet_api: ApiServer) -> None:
    reached = quiet_api.context.settings.model_copy(update={"public_url": quiet_api.url})
    async with serving(quiet_api.system, replace(quiet_api.context, settings=reached), working=False) as api:
        await Hook.make(api)
        made = (await api.client.post(f"{SHOP}/webhooks", json={"provider": "dockerhub"})).json()
        tried = [(await api.client.post(f"{SHOP}/webhooks/{hook}/test")).json() for hook in await hook_ids(api)]

    assert [(each["success"], each["status"]) for each in tried] == [(True, 200), (True, 200)]
    assert made["secret"] not in str(tried)
    shown = (await quiet_api.client.get(f"{SHOP}/deliveries/{tried[0]['delivery_id']}")).json()
    assert (shown["event"], shown["verdict"]) == ("ping", "ignored")
    listed = (await quiet_api.client.get(f"{SHOP}/webhooks")).json()["webhooks"]
    assert [hook["state"] for hook in listed] == ["connected", "connected"]


async def test_the_trial_of_every_provider_says_that_the_hook_works(quiet_api: ApiServer) -> None:
    reached = quiet_api.context.settings.model_copy(update={"public_url": quiet_api.url})
    async with serving(quiet_api.system, replace(quiet_api.context, settings=reached), working=False) as api:
        await Hook.make(api)
        reasons = {}
        for name in PROVIDERS.keys() - {"generic"}:  # what a generic one carries is its maker's choice
            hook = (await api.client.post(f"{SHOP}/webhooks", json={"provider": name})).json()
            tried = (await api.client.post(f"{SHOP}/webhooks/{hook['id']}/test")).json()
            delivery = (await api.client.get(f"{SHOP}/deliveries/{tried['delivery_id']}")).json()
            reasons[name] = delivery["reason"]

    assert set(reasons.values()) == {"The hook works: pushes will be deployed."}, reasons


async def hook_ids(api: ApiServer) -> list[str]:
    return [hook["id"] for hook in (await api.client.get(f"{SHOP}/webhooks")).json()["webhooks"]]


def settings_of(name: str, scheme: Any) -> Any:
    provider = provider_named(name)
    return checked_settings(provider, scheme, None, FIELDS["push"] if name == "generic" else None)


@pytest.mark.parametrize(
    ("name", "scheme"), [(name, scheme) for name, provider in PROVIDERS.items() for scheme in provider.proofs]
)
def test_a_trial_is_what_its_provider_would_send_and_deploys_nothing(name: str, scheme: Any) -> None:
    provider, settings = provider_named(name), settings_of(name, scheme)
    secret = new_secret(provider, settings).encode()
    body = trial_body(provider, settings, "req_1")
    headers = trial_headers(provider, settings, "req_1", secret, body)
    if provider.proof(settings).header == PATH_SECRET:
        headers[PATH_SECRET] = secret.decode()

    examine(Claim(provider, settings, headers, secret), body)  # which raises where the proof does not hold
    said = provider.announcement(settings, headers, body)

    assert is_trial(said) or said.kind in {Kind.PING, Kind.OTHER}
    assert body != trial_body(provider, settings, "req_2")


def test_a_trial_of_a_generic_image_hook_names_an_image_that_nobody_has() -> None:
    provider = provider_named("generic")
    settings = checked_settings(provider, None, None, FIELDS["image"])

    assert is_trial(provider.announcement(settings, {}, trial_body(provider, settings, "req_1")))


async def test_image_apps_follow_their_tag(quiet_api: ApiServer) -> None:
    await image_app(quiet_api, "shop", "registry.example.org/team/web:stable")
    await image_app(quiet_api, "beta", "registry.example.org/team/web:beta")
    await image_app(quiet_api, "same", "registry.example.org/team/web:stable")
    made = (await quiet_api.client.post(f"{SHOP}/webhooks", json={"provider": "registry"})).json()

    answers = [await notify(quiet_api, made, tag) for tag in ("old", "stable", "beta")]

    verdicts = [{row["app"]: row["status"] for row in answer.json()} for answer in answers]
    assert verdicts == [
        {"shop": "ignored"},
        {"shop": "deployed", "same": "deployed"},
        {"shop": "ignored", "beta": "deployed"},
    ]
    assert [answer.status_code for answer in answers] == [200, 202, 202]
    (deployment,) = (await quiet_api.client.get("/v1/apps/beta/deployments")).json()["deployments"]
    assert deployment["image"] == "registry.example.org/team/web:beta"  # resolved by the rollout, not by the sender


async def test_requests_of_an_app_without_previews_are_ignored_with_the_reason(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    side = {"ref": "x", "sha": "a" * 40, "repo": {"full_name": "Codertocat/Hello-World"}}
    request = {"number": 1, "head": side, "base": side | {"ref": "master"}, "title": "", "html_url": ""}

    answer = await hook.deliver({"action": "opened", "pull_request": request}, "pull_request")

    assert (answer.status_code, answer.json()[0]["status"]) == (200, "ignored")
    assert "triggers.previews.enabled" in answer.json()[0]["message"]


async def state(api: ApiServer) -> dict[str, Any]:
    found: dict[str, Any] = (await api.client.get(f"{SHOP}/webhook")).json()
    return found


async def image_app(api: ApiServer, name: str, image: str) -> None:
    (await api.client.post("/v1/apps", json={"name": name, "image": image, "deploy": False})).raise_for_status()


async def notify(api: ApiServer, made: dict[str, Any], tag: str) -> httpx.Response:
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "repository": "team/web", "tag": tag,
        "digest": "sha256:" + "a" * 64,
    }  # fmt: skip
    event = {"id": tag, "action": "push", "target": target, "request": {"host": "registry.example.org"}}
    path = made["url"].removeprefix(api.context.settings.api_url)
    headers = {"authorization": f"Bearer {made['secret']}", "content-type": "application/json"}
    return await api.client_of(None).post(path, content=json.dumps({"events": [event]}), headers=headers)
