"""The KV secrets engine, version 2, of HashiCorp Vault (and OpenBao), over its HTTP API.

Status codes: 403 no permission or a bad token, 404 no such path or a deleted version, 429/472/473 a standby, 503 sealed
(Vault's HTTP API documentation, "HTTP status codes").
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from slipyard.clients.outside_http import OutsideAnswer, OutsideHttp
from slipyard.domain.errors import SecretRefused, Unavailable
from slipyard.domain.network_rules import Network
from slipyard.domain.secret_store import MOST_SECRET_BYTES, VaultStore

_OK, _FORBIDDEN, _NOT_FOUND, _SEALED = 200, 403, 404, 503
_AWAY = frozenset({429, 472, 473, 500, 502, 504})


class VaultSecrets:
    """Asked in one way only: with the token in a header, never in an address."""

    def __init__(self, settings: VaultStore, networks: Sequence[Network]) -> None:
        self._settings = settings
        self._http = OutsideHttp(networks, most_bytes=2 * MOST_SECRET_BYTES)

    async def read(self, key: str) -> str:
        path, _, field = key.partition("#")
        found = await self._call("GET", f"{self._settings.mount}/data/{quote(path)}", f"read {path}")
        content = (found.get("data") or {}).get("data") or {}
        if not field and len(content) == 1:
            field = next(iter(content))
        if field not in content:
            which = f"no field {field!r}" if field else f"{len(content)} fields"
            raise SecretRefused(f"{path} in {self._settings.url} has {which}. Name one: {path}#FIELD.")
        value = content[field]
        return value if isinstance(value, str) else json.dumps(value)

    async def renew(self) -> None:
        """Once half of its life is over. A token that cannot be renewed is left alone, and one of root never ends."""
        facts = (await self._call("GET", "auth/token/lookup-self", "look its token up"))["data"]
        lifetime, left = facts.get("creation_ttl") or 0, facts.get("ttl") or 0
        if facts.get("renewable") and left < lifetime / 2:
            await self._call("POST", "auth/token/renew-self", "renew its token")

    async def _call(self, method: str, path: str, what: str) -> dict[str, Any]:
        settings = self._settings
        headers = {"X-Vault-Token": settings.token, "X-Vault-Request": "true"}
        if settings.namespace:
            headers["X-Vault-Namespace"] = settings.namespace
        content = b"{}" if method == "POST" else None
        answer = await self._http.send(method, f"{settings.url.rstrip('/')}/v1/{path}", headers, content)
        if answer.status != _OK:
            raise self._refusal(answer.status, what)
        return self._body(answer)

    def _body(self, answer: OutsideAnswer) -> dict[str, Any]:
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"{self._settings.url} does not answer as a Vault does. Check the address.")
        return found

    def _refusal(self, status: int, what: str) -> SecretRefused | Unavailable:
        url = self._settings.url
        if status == _SEALED:
            return Unavailable(f"The Vault at {url} is sealed, or in maintenance. Unseal it, then try again.")
        if status in _AWAY:
            return Unavailable(f"The Vault at {url} cannot {what} now (it answers {status}). Try again.")
        if status == _FORBIDDEN:
            return SecretRefused(
                f"The Vault at {url} does not let this token {what}. Check its policy, or renew the token."
            )
        if status == _NOT_FOUND:
            return SecretRefused(
                f"The Vault at {url} has nothing there, or only a deleted version, to {what}. Check the key."
            )
        return SecretRefused(f"The Vault at {url} answers {status} when it is to {what}. Check the store's settings.")
