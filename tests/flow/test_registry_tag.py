"""Asking what a tag names now: with HEAD, without credentials, and never at a closed address."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from slipyard.clients.registry_tag import tag_digest
from slipyard.domain.errors import SlipyardError, SourceRefused, Unavailable, ValidationFailed
from slipyard.domain.image_reference import parse_image_reference

DIGEST = f"sha256:{'a' * 64}"
LOOPBACK = [ip_network("127.0.0.0/8")]


class Registry:
    """`status` answers every manifest; with `token` it must be fetched first, from `realm`."""

    def __init__(self) -> None:
        self.status, self.digest, self.token, self.realm = 200, DIGEST, "", ""
        self.requests: list[tuple[str, str]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": self}))
        self.host = f"127.0.0.1:{self.server.server_address[1]}"

    async def ask(self) -> str:
        return await tag_digest(parse_image_reference(f"{self.host}/me/shop:v1"), LOOPBACK)


class _Handler(BaseHTTPRequestHandler):
    registry: Registry

    def do_HEAD(self) -> None:
        registry = self.registry
        registry.requests.append(("HEAD", self.path))
        wanted = f"Bearer {registry.token}" if registry.token else None
        if wanted not in {None, self.headers.get("Authorization")}:
            challenge = f'Bearer realm="{registry.realm}",service="here",scope="repository:me/shop:pull"'
            self._answer(401, {"WWW-Authenticate": challenge})
        else:
            self._answer(registry.status, {"Docker-Content-Digest": registry.digest, "Location": "http://10.0.0.1/"})

    def do_GET(self) -> None:
        self.registry.requests.append(("GET", self.path))
        body = f'{{"token": "{self.registry.token}"}}'.encode()
        self._answer(200, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, SourceRefused),
        (403, SourceRefused),
        (404, SourceRefused),
        (302, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
    ],
)
async def test_what_is_refused_is_told_apart_from_what_may_come_back(
    registry: Registry, status: int, error: type[SlipyardError]
) -> None:
    registry.status = status
    with pytest.raises(error):
        await registry.ask()


async def test_a_digest_that_is_none_is_not_taken(registry: Registry) -> None:
    registry.digest = "../../etc"
    with pytest.raises(ValidationFailed):
        await registry.ask()


async def test_a_closed_registry_is_not_called(registry: Registry) -> None:
    with pytest.raises(SourceRefused):
        await tag_digest(parse_image_reference(f"{registry.host}/me/shop:v1"))
    assert registry.requests == []


@pytest.mark.parametrize("realm", ["http://10.0.0.1/token", "http://169.254.169.254/latest", "file:///etc/passwd", ""])
async def test_a_registry_cannot_send_us_to_where_we_do_not_go(registry: Registry, realm: str) -> None:
    registry.token, registry.realm = "t", realm
    with pytest.raises(SourceRefused):
        await registry.ask()
    assert [method for method, _ in registry.requests] == ["HEAD"]


async def test_a_tag_is_asked_with_head(registry: Registry) -> None:
    assert await registry.ask() == DIGEST
    assert registry.requests == [("HEAD", "/v2/me/shop/manifests/v1")]


async def test_a_token_for_everybody_is_fetched(registry: Registry) -> None:
    registry.token, registry.realm = "t0k", f"http://{registry.host}/token"
    assert await registry.ask() == DIGEST
    assert [method for method, _ in registry.requests] == ["HEAD", "GET", "HEAD"]
    assert registry.requests[1][1] == "/token?service=here&scope=repository%3Ame%2Fshop%3Apull"
