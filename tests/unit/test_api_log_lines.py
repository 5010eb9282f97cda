"""Whole lines of a log, and the byte to resume at: nothing is lost, nothing comes twice."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.api.streams.log_lines import Lines, follow_lines, read_lines
from slipyard.store.log_file import LogFile

LINES = st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=40), max_size=30)


async def over() -> bool:
    return True


@settings(max_examples=30)
@given(lines=LINES, stop=st.integers(0, 10))
async def test_a_reader_that_comes_back_gets_the_rest(lines: list[str], stop: int, tmp_path_factory) -> None:
    path: Path = tmp_path_factory.mktemp("log") / "build.log"
    first, rest = lines[:stop], lines[stop:]
    LogFile(path).append(first)
    seen: list[str] = []
    offset = 0
    async for part in follow_lines(path, offset, over):
        seen, offset = seen + part.text.split("\n"), part.offset
    LogFile(path).append(rest)

    async for part in follow_lines(path, offset, over):
        seen, offset = seen + part.text.split("\n"), part.offset

    assert seen == lines
    assert offset == LogFile(path).size()


async def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "build.log"
    path.write_text("one\ntw")

    first = await read_lines(path, 0, to_the_end=False)
    nothing = await read_lines(path, 4, to_the_end=False)
    rest = await read_lines(path, 4, to_the_end=True)

    assert first == Lines("one", 4)
    assert nothing is None
    assert rest == Lines("tw", 6)


async def test_a_log_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert await read_lines(tmp_path / "none.log", 0, to_the_end=True) is None
