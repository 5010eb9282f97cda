"""One connection pool to the engine, and the threads that wait on it."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from docker import APIClient
from docker.errors import create_api_error_from_http_exception
from requests import HTTPError, Response

from slipyard.clients.docker_engine.bridge import Bridge
from slipyard.clients.docker_engine.failures import translated

Result = TypeVar("Result")
Item = TypeVar("Item")
Operation: TypeAlias = Callable[[Any], Result]  # on the APIClient, whose stubs are partly untyped and partly wrong

_QUICK_THREADS, _PATIENT_THREADS = 8, 16
_UNREAD_ITEMS = 1024


@dataclass(frozen=True)
class StreamRequest:
    """`what` completes "The container engine could not ..."; `path` is below the API version."""

    what: str
    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = None


class Connection:
    """`docker_host` is `unix://` or `tcp://`. Connects at the first call, and again after the engine was away."""

    def __init__(self, docker_host: str, timeout_seconds: int) -> None:
        self._docker_host = docker_host
        self._timeout_seconds = timeout_seconds
        self._quick = ThreadPoolExecutor(_QUICK_THREADS, thread_name_prefix="engine")
        self._patient = ThreadPoolExecutor(_PATIENT_THREADS, thread_name_prefix="engine-patient")
        self._opening = threading.Lock()
        self._client: APIClient | None = None

    async def call(self, what: str, operation: Operation[Result], *, patient: bool = False) -> Result:
        """Runs the operation in a thread; `patient` for what may take seconds, so that quick calls never wait for it."""
        threads = self._patient if patient else self._quick
        return await asyncio.get_running_loop().run_in_executor(threads, self._run, what, operation)

    async def stream(
        self, request: StreamRequest, read: Callable[[Response], Iterator[Item]]
    ) -> AsyncGenerator[Item, None]:
        """What `read` yields, until it ends; closing the iterator, or cancelling its reader, closes the socket."""
        bridge: Bridge[Item] = Bridge(_UNREAD_ITEMS)
        pump = _Pump(self, request, read, bridge)
        threading.Thread(target=pump.run, name=f"engine-{request.path}", daemon=True).start()
        try:
            while (items := await bridge.take()) is not None:
                for item in items:
                    yield item
        finally:
            bridge.leave()
            pump.close()

    @property
    def docker_host(self) -> str:
        return self._docker_host

    def close(self) -> None:
        """Lets running calls end; threads go with them."""
        self._quick.shutdown(wait=False)
        self._patient.shutdown(wait=False)

    def client_of_its_own(self) -> APIClient:
        """For a stream, whose socket may be shut down under it: that must never be a socket of the shared pool."""
        return APIClient(base_url=self._docker_host, version=self.client().api_version)

    @staticmethod
    def open(client: APIClient, request: StreamRequest) -> Response:
        response = client.request(
            request.method,
            f"{client.base_url}/v{client.api_version}{request.path}",
            params=dict(request.params),
            headers=dict(request.headers),
            json=request.body,
            stream=True,
            timeout=None,
        )
        try:
            response.raise_for_status()
        except HTTPError as error:
            create_api_error_from_http_exception(error)
        return response

    def client(self) -> APIClient:
        with self._opening:
            if self._client is None:
                self._client = APIClient(
                    base_url=self._docker_host, version="auto", timeout=self._timeout_seconds, max_pool_size=32
                )
            return self._client

    def _run(self, what: str, operation: Operation[Result]) -> Result:
        with translated(what):
            return operation(self.client())


class _Pump:
    """The thread's side of one stream."""

    def __init__(
        self,
        connection: Connection,
        request: StreamRequest,
        read: Callable[[Response], Iterator[Any]],
        bridge: Bridge[Any],
    ) -> None:
        self._connection = connection
        self._request = request
        self._read = read
        self._bridge = bridge
        self._response: Response | None = None

    def run(self) -> None:
        try:
            with translated(self._request.what):
                self._copy()
        except Exception as error:  # noqa: BLE001 - the reader raises it
            self._bridge.finish(error)
        else:
            self._bridge.finish()

    def close(self) -> None:
        """Ends a blocked read. A response that has ended already refuses, and needs nothing."""
        if self._response is not None:
            with suppress(ValueError, RuntimeError, OSError):
                self._response.raw.shutdown()

    def _copy(self) -> None:
        with closing(self._connection.client_of_its_own()) as client:
            self._response = self._connection.open(client, self._request)
            with closing(self._response):
                self._read_on(self._response)

    def _read_on(self, response: Response) -> None:
        if self._bridge.left:  # before there was a socket to shut down
            return
        for item in self._read(response):
            if not self._bridge.put(item):
                return
