"""What an instance is asked over the network, and which answers are good ones. Against real sockets of this process."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from pydantic import ValidationError

from slipyard.deployer.probes import probe
from slipyard.domain.health import HealthCheck, HealthType


@asynccontextmanager
async def answering(text: str):
    """A server that gives one answer to everybody; yields its port and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_head = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        try:
            asked.append(await with_head)
            writer.write(text.encode())
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def complaint(text: str, **check) -> str | None:
    async with answering(text) as (port, _):
        return await probe("127.0.0.1", port, HealthCheck(**check))


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503])
async def test_neither_a_redirect_nor_an_error_is_ready_unless_told(status):
    answer = f"HTTP/1.1 {status} Word\r\n\r\n"
    assert f"answered {status} on /up" in await complaint(answer, path="/up")
    assert await complaint(answer, path="/up", expected_status=status) is None


async def test_a_redirect_hears_what_to_do():
    assert "expected_status" in await complaint("HTTP/1.1 302 Found\r\n\r\n", path="/")


@pytest.mark.parametrize("answer", ["", "hello\r\n", "HTTP/1.1\r\n", "x" * 5000])
async def test_what_is_no_http_answer_is_not_ready(answer):
    assert "gave no HTTP answer on /" in await complaint(answer, type="http")


async def test_nobody_there_is_said_so():
    async with answering("") as (port, _):
        pass
    assert await probe("127.0.0.1", port, HealthCheck()) == "did not answer: connection refused"


async def test_an_answer_that_never_comes_is_given_up():
    waits = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waits.wait()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    said = await probe("127.0.0.1", port, HealthCheck(path="/", timeout=0.05))
    waits.set()
    server.close()
    assert said == "did not answer within 0.05 s"


async def test_tcp_asks_nothing_though_there_is_a_path():
    assert await complaint("HTTP/1.1 500 Broken\r\n\r\n", path="/", type="tcp") is None


async def test_the_host_and_other_headers_are_sent_as_told():
    async with answering("HTTP/1.1 200 OK\r\n\r\n") as (port, asked):
        check = HealthCheck(path="/up", headers={"host": "shop.example.com", "X-Probe": "yes"})
        assert await probe("127.0.0.1", port, check) is None
    lines = asked[0].decode().split("\r\n")
    assert lines[0] == "GET /up HTTP/1.1"
    assert {"host: shop.example.com", "X-Probe: yes", "Connection: close"} <= set(lines)
    assert "Host: localhost" not in lines


@pytest.mark.parametrize("given", ["600", "abc", "299-200", "200-", "", 20, [200, "x"]])
def test_statuses_that_are_none_are_refused(given):
    with pytest.raises(ValidationError, match="200-299"):
        HealthCheck(expected_status=given)


@pytest.mark.parametrize(("given", "stored"), [(204, "204"), ([200, 204], "200,204"), ("200-204, 301", "200-204, 301")])
def test_statuses_may_be_a_number_a_list_or_ranges(given, stored):
    assert HealthCheck(expected_status=given).expected_status == stored


def test_ranges_hold_both_ends():
    check = HealthCheck(expected_status="200-204,301")
    assert [status for status in (199, 200, 204, 205, 301) if check.expects(status)] == [200, 204, 301]


@pytest.mark.parametrize("headers", [{"Host": "a\r\nX: y"}, {"Bad name": "x"}, {"": "x"}])
def test_headers_cannot_smuggle_others(headers):
    with pytest.raises(ValidationError):
        HealthCheck(headers=headers)


def test_what_is_asked_follows_from_what_was_given():
    assert HealthCheck().kind is HealthType.TCP
    assert HealthCheck(path="/up").kind is HealthType.HTTP
    assert HealthCheck(command="true").kind is HealthType.COMMAND
    assert HealthCheck(command="true", path="/up", type="http").kind is HealthType.HTTP
