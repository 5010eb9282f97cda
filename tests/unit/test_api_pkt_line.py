"""Frames of git's protocol: what is malformed is refused, what is long is cut to what a client takes."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.api.gitserver.pkt_line import FLUSH, PacketReader, packet, remote_lines
from slipyard.api.gitserver.push_request import read_push_request
from slipyard.domain.errors import UserError

OLD, NEW = "0" * 40, "a" * 40


async def stream(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def command(ref: str = "refs/heads/main", capabilities: str = "report-status side-band-64k") -> bytes:
    return packet(f"{OLD} {NEW} {ref}\0{capabilities}".encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"00",
        b"zzzz",
        b"0001",
        b"0004",
        b"ffff" + b"x" * 70000,
        packet(b"hello") + FLUSH,
        packet(b"0 1 refs/heads/main\0") + FLUSH,
        packet(f"{OLD} {NEW} refs/heads/a b\0".encode()) + FLUSH,
        command(),
    ],
)
async def test_what_is_not_a_push_is_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(UserError, match=r"\."):
        await read_push_request(stream(body))


async def test_too_many_refs_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(UserError, match="too many refs"):
        await read_push_request(stream(command() * 20_000, 65536))


@given(st.binary(max_size=300))
async def test_no_bytes_at_all_break_the_reader(body: bytes) -> None:
    with suppress(UserError):
        await read_push_request(stream(body))


async def test_the_whole_body_reaches_git_again() -> None:
    options = packet(b"detach") + packet(b"no-cache") + FLUSH
    body = command(capabilities="report-status side-band-64k push-options") + FLUSH + options + b"PACK" + bytes(1000)

    request, again = await read_push_request(stream(body))

    assert b"".join([chunk async for chunk in again]) == body
    assert request.options == {"detach", "no-cache"}
    assert request.shows_progress
    assert request.new_branches == ["main"]


async def test_the_question_of_git_before_a_large_push_has_no_updates() -> None:
    request, _ = await read_push_request(stream(FLUSH))

    assert request.updates == ()


async def test_a_deletion_is_no_new_branch() -> None:
    body = packet(f"{NEW} {OLD} refs/heads/main\0".encode()) + FLUSH

    request, _ = await read_push_request(stream(body))

    assert request.updates[0].deletes
    assert request.new_branches == []


@given(st.lists(st.text(max_size=2000), min_size=1, max_size=100))
async def test_progress_comes_in_packets_of_a_legal_size(lines: list[str]) -> None:
    data = remote_lines(*(line * 50 for line in lines)) + FLUSH

    packets = await PacketReader(stream(data, 5000), len(data)).packets_until_flush()

    assert all(part[0] == 2 and len(part) + 4 <= 65520 for part in packets)
