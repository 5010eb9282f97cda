"""GitHub as it delivers: real payloads, signed by an implementation of our own that shares nothing with the product."""

import hashlib
import hmac
import json
import uuid
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.data.github.examples import EXAMPLES
from tests.flow.api.api_server import ApiServer

OTHERS = {"ping", "create", "delete", "workflow_run", "repository", "issues"}
REPOSITORY = "https://github.com/Codertocat/Hello-World.git"


def real_pushes() -> list[dict[str, Any]]:
    return [payload for event, payload in EXAMPLES if event == "push"]


def real_others() -> dict[str, dict[str, Any]]:
    """One example of some events that are no pushes."""
    return {event: payload for event, payload in EXAMPLES if event in OTHERS}


def branch_push(**changes: Any) -> dict[str, Any]:
    """The push of a branch, as GitHub sent it, with some fields changed."""
    payload = next(push for push in real_pushes() if push["ref"].startswith("refs/heads/") and not push["deleted"])
    return payload | changes


class Hook:
    """A webhook of the app `shop`, whose source is a repository at GitHub."""

    def __init__(self, api: ApiServer, path: str, secret: str) -> None:
        self.api, self.path, self.secret = api, path, secret
        self.client = api.client_of(None)

    @classmethod
    async def make(cls, api: ApiServer, **fields: Any) -> "Hook":
        body = {"name": "shop", "deploy": False} | (fields or {"repo_url": REPOSITORY, "branch": "master"})
        (await api.client.post("/v1/apps", json=body)).raise_for_status()
        made = (await api.client.post("/v1/apps/shop/webhooks", json={"provider": "github"})).raise_for_status().json()
        return cls(api, made["url"].removeprefix(api.context.settings.api_url), made["secret"])

    async def deliver(self, payload: Any, event: str = "push", **headers: str) -> httpx.Response:
        return await self.send(json.dumps(payload).encode(), event, **headers)

    async def deliver_form(self, payload: Any) -> httpx.Response:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return await self.send(body, content_type="application/x-www-form-urlencoded")

    async def send(self, body: bytes, event: str = "push", **headers: str) -> httpx.Response:
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        sent = {
            "content-type": "application/json",
            "x-github-event": event,
            "x-github-delivery": str(uuid.uuid4()),
            "x-hub-signature-256": f"sha256={signature}",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(self.path, content=body, headers=sent)

    async def deliveries(self) -> list[dict[str, Any]]:
        return (await self.api.client.get("/v1/apps/shop/deliveries")).json()["deliveries"]

    async def deployments(self) -> list[dict[str, Any]]:
        return (await self.api.client.get("/v1/apps/shop/deployments")).json()["deployments"]
