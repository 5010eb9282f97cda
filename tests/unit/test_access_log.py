"""The router's access log as it grows, is renamed and begun anew: no answer is missed, none counted twice."""

import json

import pytest

from slipyard.deployer.access_log import AccessLogTail, Answered

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
