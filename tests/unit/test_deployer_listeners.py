"""Why nothing answers: read from the kernel's table of sockets."""

import pytest

from slipyard.deployer.listeners import Listener, advice, listeners, parse_listeners

# sl local_address rem_address st ...
ROWS = [
    "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1",  # 127.0.0.1:3000
    "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1",  # 0.0.0.0:8080
    "   2: 0B00007F:A1B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1",  # the resolver
    "   3: 00000000:0050 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 1",  # not listening
    "   4: 00000000000000000000000000000000:1770 00000000000000000000000000000000:0000 0A 00000000:00000000",
    "   5: 00000000000000000000000001000000:1771 00000000000000000000000000000000:0000 0A 00000000:00000000",
]


def test_only_listening_sockets_of_the_app_are_read():
    assert parse_listeners(ROWS) == {
        Listener(loopback=True, port=3000),
        Listener(loopback=False, port=8080),
        Listener(loopback=False, port=6000),
        Listener(loopback=True, port=6001),
    }


def test_a_process_that_is_not_there_cannot_be_read():
    assert listeners(2**30) is None


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "the app must listen on 0.0.0.0:$PORT"),
        ([], "the app must listen on 0.0.0.0:$PORT"),
        ([Listener(loopback=True, port=3000)], "listens on 127.0.0.1:3000 only"),
        ([Listener(loopback=False, port=3000)], "listens there and does not answer in time"),
        ([Listener(loopback=False, port=8080)], "listens on port 8080;"),
        ([Listener(loopback=True, port=8080)], "127.0.0.1 and another port"),
    ],
)
def test_the_advice_fits_what_was_found(found, words):
    assert words in advice(3000, found)
