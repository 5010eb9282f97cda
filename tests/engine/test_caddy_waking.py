"""A request for what sleeps, on a real Caddy: it waits for the waker, and for one that is away it waits as well."""

import asyncio
from http import HTTPStatus

from slipyard.deployer.router import Route, RoutedHost, RouteState
from slipyard.domain.ids import new_id
from tests.engine.caddy_bench import TrustingBench, trusting_bench
from tests.engine.echo import Echo, echoing

APP = new_id("app")
HOST = "shop.localhost"
BODY = b"x" * 100_000


class Waker:
    """Answers as a test says, and remembers what it was asked."""

    def __init__(self, bench: TrustingBench, app: Echo) -> None:
        self.asked: list[str] = []
        self._bench, self._app = bench, app

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.partition("\r\n")[0])
        status = "503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0"
        if len(self.asked) > 1:
            await self._bench.router.switch(Route(APP, 2, RouteState.AWAKE, (self._app.address,)))
            status = "204 No Content"
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


async def test_it_waits_for_the_waker_and_then_goes_on_with_its_body() -> None:
    async with trusting_bench() as bench, echoing("shop") as app:
        await bench.router.switch(Route(APP, 1, RouteState.ASLEEP))
        await bench.router.publish([RoutedHost(HOST, APP)])
        waker = Waker(bench, app)
        visits = [asyncio.ensure_future(bench.ask(HOST, method="POST", content=BODY)) for _ in range(2)]
        done, _ = await asyncio.wait(visits, timeout=0.3)
        assert not done  # nobody listens, and nobody is refused
        async with await asyncio.start_unix_server(waker, bench.shape.waker):
            first, second = sorted([await visit for visit in visits], key=lambda answer: answer.status_code)
    assert (first.status_code, first.json()["body_bytes"]) == (HTTPStatus.OK, len(BODY))
    assert (second.status_code, second.headers["Retry-After"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "7")
    assert waker.asked == [f"GET /wake/{APP} HTTP/1.1"] * 2
