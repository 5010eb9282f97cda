"""Server-sent events, as the standard has them."""

from slipyard.cli.events import Event, parse_events


def test_lines_of_data_are_one_text_and_comments_are_none():
    lines = [": keep-alive", "event: build", "id: 12.0", "data: #1 a", "data: #1 b", "", "data:x", ""]
    assert list(parse_events(lines)) == [Event("build", "#1 a\n#1 b", "12.0"), Event("message", "x", "12.0")]


def test_an_event_that_was_cut_off_is_dropped():
    assert list(parse_events(["event: done", 'data: {"status": "active"}'])) == []


def test_data_that_is_no_object_is_empty():
    assert Event("log", "[1]", None).json() == {}
    assert Event("log", "{", None).json() == {}
    assert Event("log", '{"a": 1}', None).json() == {"a": 1}
