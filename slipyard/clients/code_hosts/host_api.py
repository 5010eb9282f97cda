"""One conversation with the API of a code host: the token goes to this origin and nowhere else."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from slipyard.clients.code_hosts.refusals import failure
from slipyard.clients.outside_http import OutsideAnswer, OutsideHttp
from slipyard.domain.errors import CodeHostRefused, Unavailable

_MOST_PAGES = 50
_MOST_REDIRECTS = 3
# What a host says for a repository that has another name now. The same request is sent again there (RFC 9110, 15.4).
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}


@dataclass(frozen=True)
class Reply:
    """`body` is parsed JSON; None where there was none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class HostApi:
    """`headers` carry the token. `name` is that of the host for people: GitHub, GitLab.

    Every call takes `needs`, the right that it asks for, in the host's own words, and `fine`, statuses beyond 2xx that
    are no failure to the caller.
    """

    def __init__(self, http: OutsideHttp, name: str, base_url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self.name = name
        self.base_url = base_url.rstrip("/")
        self._headers = {"Accept": "application/json", **headers}

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        needs: str = "",
        fine: tuple[int, ...] = (),
    ) -> Reply:
        """`path` begins behind the base URL, or is a whole URL of the same origin, as links of pages are."""
        url = path if "://" in path else f"{self.base_url}{path}"
        for _ in range(_MOST_REDIRECTS):
            answer = await self._send(method, url, body)
            if answer.status not in _REDIRECTS:
                return self._reply(method, url, answer, needs, fine)
            url = urljoin(url, answer.headers.get("location", ""))
        raise CodeHostRefused(f"{self.name} sends {method} {urlsplit(url).path} round in circles. Check the address.")

    async def pages(self, path: str, parameters: Mapping[str, Any], *, needs: str = "") -> AsyncIterator[Any]:
        """The items of every page, by the `Link` header (RFC 8288)."""
        url: str | None = f"{path}?{urlencode(parameters)}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            reply = await self.ask("GET", url, needs=needs)
            for item in self.listed(reply.body):
                yield item
            url = next_link(reply.headers.get("link", ""))

    def listed(self, body: Any) -> list[Any]:
        if not isinstance(body, list):
            raise Unavailable(f"{self.name} answered something else than a list. It is tried again.")
        return body

    def field(self, body: Any, *names: str) -> Any:
        """What lies at `names` in an answer that must have it."""
        for name in names:
            if not isinstance(body, dict) or body.get(name) is None:
                raise Unavailable(f"{self.name} answered without {'.'.join(names)}. It is tried again.")
            body = body[name]
        return body

    async def _send(self, method: str, url: str, body: Mapping[str, Any] | None) -> OutsideAnswer:
        if _origin(url) != _origin(self.base_url):
            raise CodeHostRefused(
                f"{self.name} points to {_origin(url)}, and the token belongs to {_origin(self.base_url)} alone. If it "
                "has moved, connect the new address."
            )
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        return await self._http.send(method, url, headers, content)

    def _reply(self, method: str, url: str, answer: OutsideAnswer, needs: str, fine: tuple[int, ...]) -> Reply:
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return Reply(answer.status, answer.headers, self._parsed(answer.body))
        if answer.status in fine:
            return Reply(answer.status, answer.headers, _parsed_or_none(answer.body))
        raise failure(self.name, f"{method} {urlsplit(url).path}", answer, needs)

    def _parsed(self, body: bytes) -> Any:
        if not body.strip():
            return None
        try:
            return json.loads(body)
        except ValueError as error:
            raise Unavailable(f"{self.name} answered something that is not whole JSON. It is tried again.") from error


def next_link(header: str) -> str | None:
    for link in header.split(","):
        target, _, parameters = link.partition(";")
        if 'rel="next"' in parameters:
            return target.strip().strip("<>")
    return None


def _parsed_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
