"""Keys of those who issue identity tokens (OpenID Connect Discovery 1.0, RFC 7517), kept for a while and never too many."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.errors import Unauthorized, Unavailable

_DISCOVERY = "/.well-known/openid-configuration"
_MOST_ISSUERS = 32
_MOST_KEYS = 50
_KEPT_SECONDS = 3600.0
_ASKED_AT_MOST_EVERY = 60.0
_OK = 200
Key = Mapping[str, Any]  # a JSON Web Key


@dataclass
class _Known:
    keys: dict[str, Key] = field(default_factory=dict)
    fetched_at: float | None = None
    asked_at: float | None = None  # whether or not it answered
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class IssuerKeys:
    """`monotonic` gives seconds of a clock that only goes forward. Only issuers that somebody trusts are asked."""

    def __init__(self, http: OutsideHttp, monotonic: Callable[[], float]) -> None:
        self._http = http
        self._monotonic = monotonic
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def key(self, issuer: str, key_id: str) -> Key:
        """`Unauthorized` where the issuer shows no such key, `Unavailable` where it does not answer.

        An unknown key is looked for at most once a minute: whoever invents key ids makes us ask nobody.
        """
        known = self._remembered(issuer)
        async with known.lock:
            found = known.keys.get(key_id)
            if (found is None or not self._younger(known.fetched_at, _KEPT_SECONDS)) and not self._younger(
                known.asked_at, _ASKED_AT_MOST_EVERY
            ):
                await self._refresh(issuer, known)
                found = known.keys.get(key_id)
        if found is None and known.fetched_at is None:
            raise Unavailable(f"{issuer} did not show its keys; it is asked again in a minute.")
        if found is None:
            raise Unauthorized(f"This identity token is signed with a key that {issuer} does not show.")
        return found

    def _remembered(self, issuer: str) -> _Known:
        known = self._known.setdefault(issuer, _Known())
        self._known.move_to_end(issuer)
        while len(self._known) > _MOST_ISSUERS:
            self._known.popitem(last=False)
        return known

    def _younger(self, moment: float | None, seconds: float) -> bool:
        return moment is not None and self._monotonic() - moment < seconds

    async def _refresh(self, issuer: str, known: _Known) -> None:
        """What was known stays good while the issuer is away."""
        known.asked_at = self._monotonic()
        try:
            keys = await self._keys_of(issuer)
        except Unavailable:
            if known.fetched_at is None:
                raise
            return
        known.keys, known.fetched_at = keys, self._monotonic()

    async def _keys_of(self, issuer: str) -> dict[str, Key]:
        about = await self._json(f"{issuer.rstrip('/')}{_DISCOVERY}")
        if about.get("issuer") != issuer:
            raise Unavailable(f"What {issuer} says of itself names another issuer, so it is not believed.")
        listed = (await self._json(str(about.get("jwks_uri")))).get("keys")
        keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
        return {str(key["kid"]): key for key in keys[:_MOST_KEYS] if key.get("kid")}

    async def _json(self, url: str) -> dict[str, Any]:
        answer = await self._http.send("GET", url, {"Accept": "application/json"})
        try:
            found = json.loads(answer.body) if answer.status == _OK else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"{url} answers {answer.status} and nothing that could be read; it is asked again later.")
        return found
