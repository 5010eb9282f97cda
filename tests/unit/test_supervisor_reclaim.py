"""What of a program may go: its file's pages that nobody writes."""

import subprocess
import sys
from pathlib import Path

from slipyard.cli.up.reclaim import program_ranges, reclaim_program

MAPS = """\
00400000-00f00000 r--p 00000000 fe:00 1234 /opt/a program/caddy
00f00000-01f00000 r-xp 00b00000 fe:00 1234 /opt/a program/caddy
01f00000-02000000 rw-p 01b00000 fe:00 1234 /opt/a program/caddy
c000000000-c000400000 rw-p 00000000 00:00 0
7ffd1000-7ffd3000 r-xp 00000000 00:00 0 [vdso]
"""


def test_only_pages_of_files_that_cannot_be_written_are_given_back() -> None:
    assert list(program_ranges(MAPS)) == [(0x400000, 0xF00000), (0xF00000, 0x1F00000)]


def test_a_process_that_is_gone_is_no_trouble() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert not reclaim_program(gone.pid)


def test_a_process_lives_on_without_its_pages() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(input())"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as it:
        assert Path(f"/proc/{it.pid}").exists()
        reclaim_program(it.pid)
        said, _ = it.communicate(b"alive\n", timeout=30)
    assert said == b"alive\n"
