from datetime import UTC, datetime, timedelta

from slipyard.clients.container_engine import LogLine
from slipyard.clients.docker_engine.followed_output import to_the_last_line
from slipyard.domain.errors import NotFound

START = datetime(2026, 11, 24, tzinfo=UTC)
# Three lines of one moment, and more after it: several lines a microsecond are usual.
WRITTEN = [LogLine(START + timedelta(microseconds=at), "stdout", text) for at, text in [(0, "a"), (5, "b"), (5, "c"), (5, "d"), (9, "e")]]  # fmt: skip


async def stream(lines):
    for line in lines:
        yield line


async def missing():
    raise NotFound("There is no such container.")
    yield


async def messages(followed, since_then):
    return "".join([line.message async for line in to_the_last_line(followed, since_then)])


async def test_wherever_the_engine_breaks_off_every_line_comes_once():
    for seen in range(len(WRITTEN) + 1):
        rest = await messages(
            stream(WRITTEN[:seen]),
            lambda last: stream([line for line in WRITTEN if last is None or line.timestamp >= last]),
        )
        assert rest == "abcde", f"broken off after {seen}"


async def test_of_a_container_that_is_gone_what_came_is_all():
    assert await messages(stream(WRITTEN[:3]), lambda last: missing()) == "abc"
