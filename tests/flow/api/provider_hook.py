"""A webhook of any provider, and messages to it over HTTP as that provider would send them."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.data.webhooks.messages import Message
from tests.data.webhooks.proving import proving
from tests.flow.api.api_server import ApiServer


@dataclass
class ProviderHook:
    api: ApiServer
    view: dict[str, Any]
    settings: dict[str, Any]

    @classmethod
    async def make(cls, api: ApiServer, provider: str, **settings: Any) -> "ProviderHook":
        await cls.make_app(api)
        return await cls.add(api, provider, **settings)

    @staticmethod
    async def make_app(api: ApiServer) -> None:
        """`shop`, which follows `main` of some repository."""
        app = {"name": "shop", "deploy": False, "repo_url": "https://git.example.com/a/b.git", "branch": "main"}
        (await api.client.post("/v1/apps", json=app)).raise_for_status()

    @classmethod
    async def add(cls, api: ApiServer, provider: str, **settings: Any) -> "ProviderHook":
        made = await api.client.post("/v1/apps/shop/webhooks", json={"provider": provider, **settings})
        return cls(api, made.raise_for_status().json(), settings)

    @property
    def path(self) -> str:
        return self.view["url"].removeprefix(self.api.context.settings.api_url)

    async def deliver(self, message: Message, secret: str | None = None, **changes: Any) -> httpx.Response:
        return await self.send(json.dumps(message.body | changes).encode(), message.headers, secret)

    async def send(self, body: bytes, headers: dict[str, str], secret: str | None = None) -> httpx.Response:
        secret, scheme = secret or self.view["secret"], self.view["scheme"]
        proof = proving(self.view["provider"], secret, body, scheme, self.settings.get("header") or "")
        path = self.path if proof else f"{self.path}.{secret}"
        return await self.api.client_of(None).post(path, content=body, headers=headers | proof)

    async def listed(self) -> dict[str, Any]:
        (found,) = (await self.api.client.get("/v1/apps/shop/webhooks")).json()["webhooks"]
        return found

    async def deliveries(self) -> list[dict[str, Any]]:
        return (await self.api.client.get("/v1/apps/shop/deliveries")).json()["deliveries"]
