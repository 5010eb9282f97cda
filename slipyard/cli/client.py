"""The HTTP API for commands: answers as JSON values, refusals as errors of the table of exit codes."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from slipyard import __version__
from slipyard.cli.connection import Connection, find_connection
from slipyard.cli.failure import CommandError, Refused, ServerFault, Unreachable

_TIMEOUT = httpx.Timeout(60, connect=10)
_STREAM_TIMEOUT = httpx.Timeout(60, connect=10, read=60)  # keep-alive comments come every 15 s
_PATIENT_TIMEOUT = httpx.Timeout(3600, connect=10)
_UPLOAD_TIMEOUT = httpx.Timeout(600, connect=10)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Client:
    """Raises `Refused` for a 4xx, `ServerFault` for a 5xx, `Unreachable` where nobody answers."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self.url = connection.url
        local = urlsplit(connection.url).hostname in _LOOPBACK
        self._http = httpx.Client(
            base_url=f"{connection.url}/v1",
            headers={"Authorization": f"Bearer {connection.token}", "User-Agent": f"slipyard/{__version__}"},
            timeout=_TIMEOUT,
            trust_env=not local,  # a proxy of this machine's environment cannot reach this machine for us
            transport=transport,
        )

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, params=_without_none(query))

    def post(self, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """A fresh Idempotency-Key makes a repeated send of the same call harmless."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return self._call("POST", path, json=body or {}, params=_without_none(query), headers=headers)

    def post_patiently(self, path: str, body: Mapping[str, Any]) -> Any:
        """For what moves data, and answers when that is done."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return self._call("POST", path, json=body, headers=headers, timeout=_PATIENT_TIMEOUT)

    def patch(self, path: str, body: Mapping[str, Any], **query: Any) -> Any:
        return self._call("PATCH", path, json=body, params=_without_none(query))

    def put(self, path: str, body: Mapping[str, Any], **query: Any) -> Any:
        return self._call("PUT", path, json=body, params=_without_none(query))

    def delete(self, path: str, **query: Any) -> Any:
        return self._call("DELETE", path, params=_without_none(query))

    def post_bytes(self, path: str, content: bytes, **query: Any) -> Any:
        return self._call("POST", path, content=content, params=_without_none(query))

    def upload(
        self, path: str, content: Iterator[bytes], media_type: str, /, *, method: str = "POST", **query: Any
    ) -> Any:
        """Streams `content`; its size need not be known."""
        headers = {"Content-Type": media_type}
        return self._call(
            method, path, content=content, headers=headers, params=_without_none(query), timeout=_UPLOAD_TIMEOUT
        )

    @contextmanager
    def stream(self, path: str, accept: str, headers: Mapping[str, str], /, **query: Any) -> Iterator[httpx.Response]:
        request = self._http.build_request(
            "GET", path, headers={"Accept": accept, **headers}, params=_without_none(query), timeout=_STREAM_TIMEOUT
        )
        with self._streamed(request) as answer:
            yield answer

    @contextmanager
    def post_stream(self, path: str, body: Mapping[str, Any]) -> Iterator[httpx.Response]:
        """Without an Idempotency-Key: what runs for whoever reads the answer cannot be answered twice."""
        with self._streamed(self._http.build_request("POST", path, json=body, timeout=_STREAM_TIMEOUT)) as answer:
            yield answer

    @contextmanager
    def _streamed(self, request: httpx.Request) -> Iterator[httpx.Response]:
        with self._translated():
            answer = self._http.send(request, stream=True)
            try:
                if answer.is_error:
                    answer.read()
                    raise _error_of(answer)
                yield answer
            finally:
                answer.close()

    def text(self, path: str, **query: Any) -> str:
        with self._translated():
            answer = self._http.get(path, params=_without_none(query), headers={"Accept": "text/plain"})
        if answer.is_error:
            raise _error_of(answer)
        return answer.text

    def exchange(self, method: str, path: str, **options: Any) -> httpx.Response:
        """With its headers; an error is raised as everywhere."""
        with self._translated():
            answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise _error_of(answer)
        return answer

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = self.exchange(method, path, **options)
        return answer.json() if answer.content else None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise Unreachable(
                f"Slipyard at {self.url} does not answer: {error or type(error).__name__}. Is it running? `slipyard up`"
                " starts one here, `slipyard doctor` finds out what is wrong, SLIPYARD_URL names another."
            ) from None


def connect() -> Client:
    return Client(find_connection())


def segment(name: str) -> str:
    """One segment of a path, whatever somebody typed."""
    return quote(name, safe="")


def _without_none(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _error_of(answer: httpx.Response) -> CommandError:
    try:
        problem = answer.json()["error"]
        message, code = str(problem["message"]), str(problem["code"])
        details = [f"{row['field']}: {row['message']}" for row in problem.get("details") or []]
    except (ValueError, KeyError, TypeError):
        message, code, details = f"{answer.request.url} answers {answer.status_code}.", str(answer.status_code), []
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        request_id = answer.headers.get("x-request-id")
        return ServerFault(message, [*details, f"request {request_id}"] if request_id else details, code=code)
    return Refused(message, details, code=code)
