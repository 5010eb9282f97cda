"""Sockets that we hold for another program: it finds them under its numbers, and who connects while it is away waits."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from slipyard.cli.up.fork import Program, fork_program
from slipyard.cli.up.listening import ListeningSockets
from slipyard.cli.up.service import Service
from slipyard.domain.layout import Layout

# Answers one visitor on the socket with the number that it is told, and ends.
ANSWERS_ONCE = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])).accept()[0] as visitor:
    visitor.sendall(b"answered by " + sys.argv[1].encode())
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def sockets(port: int) -> Iterator[ListeningSockets]:
    with closing(ListeningSockets({3: port, 4: port})) as held:
        yield held


def program(directory: Path, sockets: ListeningSockets, number: int) -> Program:
    command = [sys.executable, "-c", ANSWERS_ONCE, str(number)]
    return Program(command, {}, directory / "pid", directory / "log", "v1", sockets)


def run(program: Program) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(fork_program(program), 0)[1])


def test_a_port_that_somebody_else_has_is_in_the_log_and_got_at_a_later_start(
    tmp_path: Path, sockets: ListeningSockets, port: int
) -> None:
    with socket.create_server(("", port)):
        assert run(program(tmp_path, sockets, 3)) != 0
    assert f"another program listens on port {port}" in (tmp_path / "log").read_text()
    sockets.open()
    with socket.create_connection(("127.0.0.1", port)) as visitor:
        assert run(program(tmp_path, sockets, 3)) == 0
        assert visitor.makefile("rb").read() == b"answered by 3"


def test_a_visitor_who_comes_between_two_runs_is_answered_under_either_number(
    tmp_path: Path, sockets: ListeningSockets, port: int
) -> None:
    sockets.open()
    for number in (3, 4, 3):
        with socket.create_connection(("127.0.0.1", port)) as visitor:
            assert run(program(tmp_path, sockets, number)) == 0
            assert visitor.makefile("rb").read() == f"answered by {number}".encode()


def test_another_port_means_another_process(tmp_path: Path) -> None:
    service = Service("caddy", ["caddy"], Layout(tmp_path), answers=lambda: True)
    one, two = ListeningSockets({3: 80}), ListeningSockets({3: 8080})
    assert replace(service, sockets=one).made_from == replace(service, sockets=one).made_from
    assert len({replace(service, sockets=each).made_from for each in (None, one, two)}) == 3
