"""The log of a daemon keeps its last lines and never grows past its limit."""

from slipyard.cli.up.log_sink import KEPT_FILES, LogSink


def test_a_full_log_is_moved_aside_and_the_oldest_is_dropped(tmp_path):
    path = tmp_path / "logs" / "slipyard.log"
    sink = LogSink(path, rotate_bytes=100)
    for number in range(KEPT_FILES + 3):
        sink.write(f"{number}".encode() * 100)
    kept = sorted(file.name for file in path.parent.iterdir())
    assert kept == ["slipyard.log", *(f"slipyard.log.{age}" for age in range(1, KEPT_FILES + 1))]
    assert path.with_name("slipyard.log.1").read_bytes() == b"5" * 100
    assert path.read_bytes() == b""


def test_the_last_lines_are_at_hand_to_say_why_something_died(tmp_path):
    sink = LogSink(tmp_path / "slipyard.log")
    for number in range(100):
        sink.write(f"line {number}\n".encode())
    assert sink.tail()[-1] == "line 99"
    assert len(sink.tail()) < 100


def test_a_disk_that_takes_nothing_does_not_stop_supervising(tmp_path):
    sink = LogSink(tmp_path / "slipyard.log")
    sink._descriptor = 99999
    sink._write_all(b"lost")
