import asyncio
import stat
import threading

import pytest

from slipyard.store.log_file import LogFile, follow


@pytest.fixture
def log(tmp_path):
    return LogFile(tmp_path / "logs" / "builds" / "bld_1.log")


async def over():
    return True


async def never_over():
    return False


def test_a_log_that_was_never_written_is_empty(log):
    assert (log.size(), log.read(0), log.tail(5)) == (0, b"", [])


def test_the_path_may_lie_where_nothing_is_yet_and_only_we_read_it(log):
    log.append(["one"])
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_each_line_ends_once(log):
    log.append(["one", "two\n"])
    log.append([])
    log.append(iter(["three"]))
    assert log.path.read_bytes() == b"one\ntwo\nthree\n"


def test_text_that_no_encoding_holds_does_not_stop_a_build(log):
    log.append(["broken \udc80 text", "ünïcode"])
    assert log.tail(2) == ["broken ? text", "ünïcode"]


def test_reading_resumes_at_a_byte(log):
    log.append(["0123456789"])
    assert log.read(3, 4) == b"3456"
    assert log.read(log.size()) == b""
    assert log.read(10_000) == b""


@pytest.mark.parametrize("count", [0, 1, 3, 5000, 50_000])
def test_the_tail_of_a_long_log(log, count):
    lines = [f"line {number} {'x' * (number % 50)}" for number in range(10_000)]
    log.append(lines)
    assert log.tail(count) == (lines[-count:] if count else [])


def test_lines_of_two_writers_never_mix(log):
    def write(letter):
        for _ in range(200):
            log.append([letter * 5000])

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = log.path.read_text().splitlines()
    assert len(lines) == 400
    assert set(lines) == {"a" * 5000, "b" * 5000}


async def test_following_something_that_is_over_gives_all_of_it_and_ends(log):
    log.append(["x" * 100_000, "last"])
    chunks = [(offset, chunk) async for offset, chunk in follow(log.path, 0, over)]
    assert b"".join(chunk for _, chunk in chunks) == log.path.read_bytes()
    assert chunks[-1][0] == log.size()


async def test_following_resumes_where_a_reader_left_off(log):
    log.append(["one", "two"])
    assert [found async for found in follow(log.path, 4, over)] == [(8, b"two\n")]


async def test_following_a_log_that_never_began_ends_when_its_build_does(log):
    assert [found async for found in follow(log.path, 0, over)] == []


async def test_what_is_written_arrives_while_the_build_runs(log):
    async with asyncio.timeout(20):
        following = follow(log.path, 0, never_over)
        pending = asyncio.ensure_future(anext(following))
        log.append(["first"])
        assert await pending == (6, b"first\n")
        pending = asyncio.ensure_future(anext(following))
        log.append(["second"])
        assert await pending == (13, b"second\n")
        await following.aclose()


async def test_lines_written_just_before_the_end_are_not_lost(log):
    log.append(["first"])

    async def over_with_a_last_word():
        log.append(["last word"])
        return True

    async with asyncio.timeout(20):
        text = b"".join([chunk async for _, chunk in follow(log.path, 0, over_with_a_last_word)])
    assert text == b"first\nlast word\n"


async def test_waiting_asks_the_database_less_often_than_the_file(log, monkeypatch):
    looks = 0
    asked = 0

    async def look_again(_):
        nonlocal looks
        looks += 1

    async def over_at_the_fifth_question():
        nonlocal asked
        asked += 1
        return asked == 5

    monkeypatch.setattr("slipyard.store.log_file.asyncio.sleep", look_again)
    assert [found async for found in follow(log.path, 0, over_at_the_fifth_question)] == []
    assert looks >= 4 * asked - 4
