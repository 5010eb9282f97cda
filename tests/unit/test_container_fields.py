"""What a hand changed in a container is told by its field, whatever the engine; what the image brings is not."""

from copy import deepcopy
from typing import Any

import pytest

from slipyard.clients.container_engine import ContainerSpec
from slipyard.clients.docker_engine.container_body import container_body
from slipyard.clients.docker_engine.container_fields import found_fields, wanted_fields
from slipyard.domain.drift import Difference, Repair, differences, sentence

IMAGE = {"Env": ["PATH=/bin", "PORT=80"], "Cmd": ["serve"], "User": "app", "Labels": {"of": "image"}}
SPEC = ContainerSpec(
    name="ours",
    image="sha256:ours",
    env={"PORT": "3000", "KEY": "a=b"},
    labels={"slipyard.app": "app_1"},
    network="net",
    address="10.0.0.2",
    aliases=("web",),
)


def inspected() -> dict[str, Any]:
    """As Docker 20.10 says it of a container that was made of SPEC."""
    body = container_body(SPEC)
    return {
        "Name": "/ours",
        "Image": "sha256:ours",
        "Config": {
            "Image": "sha256:ours",
            "Env": ["PORT=3000", "KEY=a=b", "PATH=/bin"],
            "Cmd": ["serve"],
            "Entrypoint": None,
            "User": "app",
            "WorkingDir": "",
            "Labels": {"of": "image", "slipyard.app": "app_1"},
        },
        "HostConfig": {**deepcopy(body["HostConfig"]), "Binds": None, "CpuShares": 0, "Privileged": False},
        "NetworkSettings": {"Networks": {"net": {"IPAddress": "10.0.0.2", "Aliases": ["web", "3788fc123cd3"]}}},
    }


def drift(facts: dict[str, Any], image: dict[str, Any] = IMAGE, *, keep: bool = False) -> list[Difference]:
    body = container_body(SPEC)
    return differences(wanted_fields(SPEC.name, body, image, keep=keep), found_fields(facts, body, image, keep=keep))


def test_what_is_as_it_was_made_does_not_differ() -> None:
    assert drift(inspected()) == []


def test_newer_engines_write_capabilities_and_options_in_their_own_way() -> None:
    facts = inspected()
    host = facts["HostConfig"]
    host["CapAdd"] = [f"CAP_{name}" for name in reversed(host["CapAdd"])]
    host["SecurityOpt"] = ["no-new-privileges:true"]
    facts["NetworkSettings"]["Networks"]["net"]["Aliases"] = ["web"]
    assert drift(facts) == []


def test_a_kernel_that_cannot_limit_swap_or_processes_is_no_drift() -> None:
    facts = inspected()
    facts["HostConfig"] |= {"MemorySwap": -1, "PidsLimit": None}
    assert drift(facts) == []


def test_without_its_image_only_what_was_asked_for_is_compared() -> None:
    assert drift(inspected(), {}) == []
    facts = inspected()
    facts["Config"]["Env"].remove("PORT=3000")
    assert [each.field for each in drift(facts, {})] == ["env.PORT"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Privileged", True),
        ("Binds", ["/var/run/docker.sock:/docker.sock"]),
        ("PidMode", "host"),
        ("NetworkMode", "host"),
        ("CapAdd", ["SYS_ADMIN"]),
        ("SecurityOpt", None),
        ("Devices", [{"PathOnHost": "/dev/sda"}]),
        ("PortBindings", {"80/tcp": [{"HostPort": "80"}]}),
    ],
)
def test_more_rights_than_it_was_given_need_another_instance(key: str, value: object) -> None:
    facts = inspected()
    facts["HostConfig"][key] = value
    [found] = drift(facts)
    assert found.repair is Repair.REPLACE
    assert found.field in {key, "network mode"}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("Memory", 1024**3, "memory is 1024 MiB instead of 512 MiB"),
        ("NanoCpus", 500_000_000, "cpu is 0.5 cores instead of 1 cores"),
        ("PidsLimit", 10, "processes is 10 instead of 4096"),
        ("CpuShares", 2, "cpu shares was added (2)"),
    ],
)
def test_limits_are_put_right_in_place(key: str, value: int, said: str) -> None:
    facts = inspected()
    facts["HostConfig"][key] = value
    found = drift(facts)
    assert [each.repair for each in found] == [Repair.LIMIT]
    assert sentence(found) == said


def test_another_image_command_or_user_is_told() -> None:
    facts = inspected()
    facts["Image"] = facts["Config"]["Image"] = "sha256:other"
    facts["Config"] |= {"Cmd": ["mine"], "User": "root"}
    assert {each.field for each in drift(facts)} == {"image", "command", "user"}


def test_values_of_the_environment_are_never_told() -> None:
    facts = inspected()
    facts["Config"]["Env"] = ["PORT=3000", "KEY=stolen", "PATH=/bin", "EXTRA=token"]
    found = drift(facts)
    assert sentence(found) == "env.KEY has another value; env.EXTRA was added"
    assert "stolen" not in str([each.shown() for each in found])


def test_networks_are_told_with_their_addresses() -> None:
    facts = inspected()
    facts["NetworkSettings"]["Networks"] |= {"bridge": {"IPAddress": "172.17.0.2", "Aliases": None}}
    [network] = drift(facts)
    assert (network.repair, network.wanted) == (Repair.CONNECT, "net 10.0.0.2 as web")
    assert network.found == "bridge 172.17.0.2, net 10.0.0.2 as web"
    facts["NetworkSettings"]["Networks"] = {}
    assert sentence(drift(facts)) == "network is missing (it should be net 10.0.0.2 as web)"
