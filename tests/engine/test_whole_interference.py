"""Whatever somebody does to the containers of an app by hand is put right and said; what is theirs is left alone."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker
import pytest

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

MIB = 1024 * 1024


@pytest.fixture
def engine() -> Iterator[Any]:
    with closing(docker.from_env()) as client:
        yield client.api


def events(app: WholeApp, kind: str) -> list[dict[str, Any]]:
    return [each for each in app.get("/events?limit=100")["events"] if each["kind"] == kind]


def live(app: WholeApp) -> None:
    app.create(replicas=2)
    app.push("mine")
    wait_until(lambda: len(app.container_ids()) == 2)
    wait_until(lambda: all(keeps(app, each) for each in app.container_ids()))


def keeps(app: WholeApp, container_id: str) -> bool:
    return bool(inspect(container_id)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped")


def inspect(container_id: str) -> dict[str, Any]:
    with closing(docker.from_env()) as client:
        return dict(client.api.inspect_container(container_id))


def is_whole(app: WholeApp, addresses: set[str]) -> bool:
    running = [each for each in app.all_containers() if each["State"] == "running"]
    return len(running) == 2 and app.addresses() == addresses and app.slipyard.answer(app.slug).text == "mine"


def test_what_is_changed_by_hand_is_put_right_field_by_field(whole_app: WholeApp, engine: Any) -> None:
    live(whole_app)
    [one, two] = sorted(whole_app.container_ids())
    addresses, name = whole_app.addresses(), inspect(one)["Name"]
    [network] = inspect(one)["NetworkSettings"]["Networks"]

    def said(*fields: str) -> bool:
        found = events(whole_app, "instance.drift")
        return {field["field"] for each in found for field in each["data"]["fields"]} >= set(fields)

    engine.update_container(one, mem_limit=64 * MIB, memswap_limit=64 * MIB)
    wait_until(lambda: inspect(one)["HostConfig"]["Memory"] == 512 * MIB)
    engine.rename(one, f"{whole_app.slug}-stray")
    wait_until(lambda: inspect(one)["Name"] == name)
    engine.disconnect_container_from_network(one, network, force=True)
    wait_until(lambda: is_whole(whole_app, addresses))
    assert said("memory", "name", "network")

    engine.pause(two)
    wait_until(lambda: is_whole(whole_app, addresses))
    engine.kill(one)
    wait_until(lambda: is_whole(whole_app, addresses))
    for _ in range(3):
        engine.remove_container(whole_app.container_ids()[-1], force=True)
        wait_until(lambda: is_whole(whole_app, addresses))

    for each in whole_app.container_ids():
        engine.disconnect_container_from_network(each, network, force=True)
    engine.remove_network(network)
    wait_until(lambda: is_whole(whole_app, addresses))
    assert events(whole_app, "instance.crash_loop") == []
    assert [row["status"] for row in whole_app.deployments()] == ["active"]


def test_containers_of_others_and_of_another_installation_are_left_alone(whole_app: WholeApp, engine: Any) -> None:
    live(whole_app)
    strange = {"slipyard.installation": "another", "slipyard.app": "app_x", "slipyard.instance": "ins_x"}
    theirs = [engine.create_container("busybox", ["sleep", "600"], labels=labels)["Id"] for labels in ({}, strange)]
    try:
        for each in theirs:
            engine.start(each)
            engine.pause(each)
        before = [inspect(each)["State"] for each in theirs]
        addresses = whole_app.addresses()
        whole_app.remove_containers()
        wait_until(lambda: is_whole(whole_app, addresses))
        assert [inspect(each)["State"] for each in theirs] == before
    finally:
        for each in theirs:
            engine.remove_container(each, force=True)


def test_what_was_stopped_on_purpose_stays_stopped(whole_app: WholeApp, engine: Any) -> None:
    live(whole_app)
    facts = inspect(whole_app.container_ids()[0])
    whole_app.slipyard.slipyard("stop", whole_app.slug)
    wait_until(lambda: not whole_app.all_containers())
    made = made_like(engine, facts, facts["Config"]["Env"])
    engine.start(made)
    wait_until(lambda: not whole_app.all_containers())
    assert whole_app.get()["status"] == "stopped"


def test_what_ends_again_and_again_is_a_crash_loop(whole_app: WholeApp) -> None:
    crashes = 'FROM busybox\nCOPY index.html /www/\nCMD httpd -p $PORT -h /www; sleep 2; echo "no such table"; exit 3\n'
    whole_app.push("mine", crashes)
    message = wait_until(lambda: crash_loop_of(whole_app))
    assert "last with exit code 3" in message
    [row] = whole_app.get("/instances")["instances"]
    assert row["last_lines"][-1] == "no such table"
    assert row["next_start_at"] is not None


def crash_loop_of(app: WholeApp) -> str:
    message = str(app.get()["status_message"])
    return message if "Crash loop" in message else ""


def made_like(engine: Any, facts: dict[str, Any], env: list[str]) -> str:
    [(network, endpoint)] = facts["NetworkSettings"]["Networks"].items()
    address = endpoint["IPAMConfig"]["IPv4Address"]
    body = {
        "Image": facts["Image"],
        "Env": env,
        "Labels": facts["Config"]["Labels"],
        "HostConfig": {"NetworkMode": network},
        "NetworkingConfig": {"EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}}}},
    }
    return str(engine.create_container_from_config(body, facts["Name"].removeprefix("/"))["Id"])
