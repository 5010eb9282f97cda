from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from slipyard.clients.outside_http import OutsideHttp
from tests.flow.code_hosts.scripted_server import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer().serving() as running:
        yield running


@pytest.fixture
def http() -> OutsideHttp:
    """Loopback is open by name, as an operator would open a private network."""
    return OutsideHttp([ip_network("127.0.0.0/8")], seconds=5)
