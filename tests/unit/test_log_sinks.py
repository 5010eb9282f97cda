"""What each kind of log drain is sent, and what may not be called at all."""

import asyncio
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from slipyard.clients.log_sinks.loki import push_body
from slipyard.clients.log_sinks.sink import SinkTarget, check_target
from slipyard.clients.log_sinks.syslog import SyslogUrl, parse_syslog_url, syslog_message
from slipyard.domain.drain import DrainKind, DrainLine
from slipyard.domain.errors import SourceRefused
from slipyard.pipeline.observing.drain_queue import DrainQueue

AT = datetime(2026, 11, 24, 15, 3, 15, 123456, UTC)
LOOPBACK = [ip_network("127.0.0.0/8")]


def line(message="hello", app="shop", stream="stdout", instance="ins_12345678"):
    return DrainLine(AT, app, "web", instance, stream, message)


@pytest.mark.parametrize(
    "url",
    ["http://x:514", "syslog+tcp://", "syslog+tcp://u:p@x", "syslog://x", "syslog+tls://x/path", "syslog+udp://a b"],
)
def test_what_is_no_syslog_server_is_refused(url):
    with pytest.raises(SourceRefused):
        parse_syslog_url(url)


@pytest.mark.parametrize("kind", [DrainKind.HTTP, DrainKind.LOKI])
def test_private_addresses_and_plain_http_need_an_operator(kind):
    for url in ("http://example.com/x", "https://127.0.0.1/x", "https://user:word@example.com/"):
        with pytest.raises(SourceRefused):
            check_target(SinkTarget(kind, url), [])
    check_target(SinkTarget(kind, "http://127.0.0.1:3100"), LOOPBACK)


def test_ports_are_those_of_the_standards():
    assert parse_syslog_url("syslog+tls://logs.example.com") == SyslogUrl("tls", "logs.example.com", 6514)
    assert parse_syslog_url("syslog+udp://[::1]:5140/") == SyslogUrl("udp", "::1", 5140)


def test_a_syslog_message_is_one_line_of_rfc_5424():
    said = syslog_message(line("two\nlines ü", app="my shop", stream="stderr"), "apps.example.com")
    assert said.decode() == (
        "<11>1 2026-11-24T15:03:15.123456Z apps.example.com my_shop web.12345678 stderr - two lines ü"
    )


def test_loki_gets_a_stream_for_each_set_of_labels_in_order():
    body = push_body([line("a"), line("b", stream="stderr"), line("c")])
    assert body["streams"][0] == {
        "stream": {"app": "shop", "service": "web", "instance": "ins_12345678", "stream": "stdout"},
        "values": [["1795532595123456000", "a"], ["1795532595123456000", "c"]],
    }
    assert body["streams"][1]["values"][0][1] == "b"


async def test_lines_without_room_are_dropped_and_counted_and_others_keep_theirs():
    queue = DrainQueue(patience=0.01)
    for number in range(5005):
        await queue.put(line(str(number)))
    await queue.put(line("quiet", app="other"))
    assert queue.dropped == 5
    first = await queue.take()
    assert [each.message for each in first if each.app == "other"] == ["quiet"]
    await queue.put(line("room again"))
    taken = first
    while taken[-1].message != "room again":
        taken += await queue.take()
    assert [each.message for each in taken if each.app == "shop"] == [*map(str, range(5000)), "room again"]


async def test_whoever_finds_no_room_waits_for_it():
    queue = DrainQueue(patience=60)
    for number in range(5000):
        await queue.put(line(str(number)))
    waiting = asyncio.ensure_future(queue.put(line("last")))
    await asyncio.sleep(0)
    assert not waiting.done()
    taken = await queue.take()
    await waiting
    while len(taken) < 5001:
        taken += await queue.take()
    assert (taken[-1].message, queue.dropped) == ("last", 0)
