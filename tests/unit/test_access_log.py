"""The router's access log as it grows, is renamed and begun anew: no answer is missed, none counted twice."""

import json

import pytest

from slipyard.deployer.access_log import AccessLogTail, Answered
from slipyard.deployer.growing_log import GrowingLog

APP = "app_1"


def line(status: int, app: str = APP, upstream: str = "10.0.0.2:80") -> str:
    return json.dumps({"ts": 5.5, "status": status, "app": app, "upstream": upstream}) + "\n"


def add(path, text):
    with path.open("a") as file:
        file.write(text)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "access.log"


def statuses(tail):
    return [answer.status for answer in tail.read()]


def test_what_is_added_is_read_once(path):
    tail = AccessLogTail(path, APP)
    assert tail.read() == []
    add(path, line(200))
    assert tail.read() == [Answered(5.5, "10.0.0.2:80", 200, app_id=APP)]
    assert tail.read() == []
    add(path, line(201) + line(502))
    assert statuses(tail) == [201, 502]


def test_other_apps_and_answers_of_nobody_are_left_out(path):
    add(path, line(200, app="app_2") + line(404, upstream="") + "no json app_1\n" + line(201))
    assert statuses(AccessLogTail(path, APP)) == [201]


def test_a_line_that_is_half_written_waits_for_its_end(path):
    tail = AccessLogTail(path, APP)
    text = line(200)
    add(path, text[:20])
    assert statuses(tail) == []
    add(path, text[20:])
    assert statuses(tail) == [200]


def test_a_log_that_is_begun_anew_is_read_to_its_end_first(path):
    tail = AccessLogTail(path, APP)
    add(path, line(200))
    assert statuses(tail) == [200]
    add(path, line(201))
    path.rename(path.with_name("access-old.log"))
    assert statuses(tail) == [201]
    add(path, line(202))
    assert statuses(tail) == [202]


def place_after(path, text):
    log = GrowingLog(path)
    log.skip()
    add(path, text)
    log.read_all()
    return log.place


def test_another_reader_goes_on_in_a_file_that_was_renamed_meanwhile(path):
    add(path, "before\n")
    place = place_after(path, "one\nhalf")
    add(path, " a line\n")
    path.rename(path.with_name("access-2026-11-24T10-00-00.000.log"))
    add(path, "in the next\n")
    later = GrowingLog(path)
    later.resume(place)
    assert later.read_all() == [b"half a line", b"in the next"]


def test_a_file_that_is_gone_or_shorter_is_no_place_to_go_on_at(path):
    place = place_after(path, "one\ntwo\n")
    path.write_bytes(b"x\n")
    later = GrowingLog(path)
    later.resume(place)
    later.skip()
    add(path, "new\n")
    assert later.read_all() == [b"new"]


def test_what_is_there_is_skipped_and_what_comes_before_anything_is_there_is_not(path):
    log = GrowingLog(path)
    log.skip()
    add(path, "first\n")
    assert log.read_all() == [b"first"]
    other = GrowingLog(path)
    other.skip()
    add(path, "second\n")
    assert other.read_all() == [b"second"]


def test_several_files_that_were_filled_since_the_last_look_are_read_in_their_order(path):
    log = GrowingLog(path)
    log.skip()
    for number in range(4):
        add(path, f"{number}\n")
        if number == 0:
            assert log.read_all() == [b"0"]
        if number < 3:
            path.rename(path.with_name(f"access-2026-11-24T10-00-0{number}.000-size.log"))
    assert log.read_all() == [b"1", b"2", b"3"]
