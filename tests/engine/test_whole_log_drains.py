"""What a real container writes arrives at a receiver of its own, over a release and a flood beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp
from tests.flow.code_hosts.scripted_server import ScriptedServer

SAYS = SERVES.replace("CMD exec", "CMD echo this is $(cat /www/index.html); exec")


@pytest.fixture
def receiver(whole_app: WholeApp, tmp_path: Path) -> Iterator[ScriptedServer]:
    """A log drain of this test's app alone. Its URL comes from a file."""
    file = tmp_path / "url"
    slipyard = whole_app.slipyard.slipyard
    whole_app.create()
    with ScriptedServer().serving() as server:
        server.on("POST", "/logs", 503)
        server.on("POST", "/logs", 204)
        file.write_text(f"{server.url}/logs")
        slipyard("drains", "add", whole_app.slug, "--kind", "http", "--url-file", str(file), "--app", whole_app.slug)
        yield server
        slipyard("drains", "remove", whole_app.slug)


def messages(server: ScriptedServer) -> list[str]:
    return [line["message"] for body in server.bodies("POST", "/logs") for line in body]


def test_output_arrives_over_a_release_although_the_receiver_was_away(
    whole_app: WholeApp, receiver: ScriptedServer
) -> None:
    whole_app.push("one", SAYS)
    wait_until(lambda: "this is one" in messages(receiver))
    whole_app.push("two", SAYS)
    wait_until(lambda: "this is two" in messages(receiver))
    listed = whole_app.slipyard.slipyard("drains", "list", "--app", whole_app.slug)
    assert receiver.url in listed
    assert "It was taken." in whole_app.slipyard.slipyard("drains", "test", whole_app.slug)


def test_a_flood_reaches_its_receiver_in_order_or_is_counted(whole_app: WholeApp, receiver: ScriptedServer) -> None:
    floods = SERVES.replace("CMD exec", "CMD seq 1 60000; echo after the flood; exec")
    whole_app.push("flood", floods)
    wait_until(lambda: "after the flood" in messages(receiver))
    with whole_app.slipyard.client() as client:
        drain = client.get(f"/log-drains/{whole_app.slug}").json()
    numbers = list(dict.fromkeys(int(each) for each in messages(receiver) if each.isdigit()))
    assert numbers == sorted(numbers)
    assert len(numbers) + drain["dropped"] >= 60000
