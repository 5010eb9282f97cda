"""One container in flat fields, as we would make it and as the engine has it: to be compared, and to be read by people.

What the engine adds by itself or takes from the image is no difference; what only a hand can have added is one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipyard.domain.drift import ENV, LABEL

_MIB = 1024 * 1024
_SHOWN = 200  # characters of a value
# Told under names of their own.
_TOLD_APART = {"NetworkMode", "RestartPolicy", "NanoCpus", "Memory", "MemorySwap", "PidsLimit", "CpuShares"}
# What no body of ours asks for, and what would give a container more, or less, than it should have.
_NEVER_ASKED = (
    "AutoRemove", "Binds", "BlkioWeight", "CgroupParent", "CpuPeriod", "CpuQuota", "CpusetCpus", "CpusetMems",
    "DeviceCgroupRules", "DeviceRequests", "Devices", "Dns", "ExtraHosts", "GroupAdd", "Links", "MemoryReservation",
    "Mounts", "OomKillDisable", "PidMode", "PortBindings", "Privileged", "PublishAllPorts", "ReadonlyRootfs",
    "Sysctls", "Tmpfs", "UTSMode", "UsernsMode", "VolumesFrom",
)  # fmt: skip
_OF_THE_IMAGE = {"Cmd": "command", "Entrypoint": "entrypoint", "User": "user", "WorkingDir": "working directory"}
_USUAL_SHARES = 1024


def wanted_fields(name: str, body: Mapping[str, Any], image: Mapping[str, Any], *, keep: bool) -> dict[str, str]:
    """`body` is what `container_body` makes, `image` the config of its image, empty where that is not known."""
    asked = {key: value for key in _OF_THE_IMAGE if (value := body.get(key)) is not None}
    config = {**image, **asked, "Env": [*image.get("Env", ()), *body["Env"]], "Labels": body["Labels"]}
    host = {**body["HostConfig"], "RestartPolicy": {"Name": "unless-stopped" if keep else "no"}}
    networks = body["NetworkingConfig"]["EndpointsConfig"]
    return dict(_told({"name": name, "image": body["Image"]}, config, host, _endpoints(networks, networks)))


def found_fields(
    facts: Mapping[str, Any], body: Mapping[str, Any], image: Mapping[str, Any], *, keep: bool
) -> dict[str, str]:
    """`facts` is what an inspect says. Where the kernel cannot limit something the engine forgets that it was asked."""
    config, host = dict(facts["Config"]), dict(facts["HostConfig"])
    asked = body["HostConfig"]
    given = {facts["Image"], config["Image"]}
    config["Labels"] = {key: value for key, value in (config["Labels"] or {}).items() if key in body["Labels"]}
    if not image:
        config = _only_asked(config, body)
    for limit in ("MemorySwap", "PidsLimit"):
        if host.get(limit) in {None, 0, -1}:
            host[limit] = asked.get(limit)
    host = {key: value for key, value in host.items() if key in {*asked, *_NEVER_ASKED, *_TOLD_APART}}
    top = {
        "name": facts["Name"].removeprefix("/"),
        "image": body["Image"] if body["Image"] in given else facts["Image"],
    }
    networks = _endpoints(facts["NetworkSettings"]["Networks"], body["NetworkingConfig"]["EndpointsConfig"])
    policy = (host.get("RestartPolicy") or {}).get("Name")
    host["RestartPolicy"] = {"Name": "no" if policy in {None, "", "no"} and not keep else policy}
    return dict(_told(top, config, host, networks))


def _only_asked(config: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Without its image nobody knows what was added to a container: only what was asked for is compared."""
    names = {entry.partition("=")[0] for entry in body["Env"]}
    env = [entry for entry in config["Env"] or () if entry.partition("=")[0] in names]
    asked = {key: config.get(key) for key in _OF_THE_IMAGE if body.get(key) is not None}
    return {**asked, "Env": env, "Labels": config["Labels"]}


def _told(
    top: Mapping[str, str], config: Mapping[str, Any], host: Mapping[str, Any], networks: str
) -> Iterator[tuple[str, str]]:
    yield from top.items()
    for key, name in _OF_THE_IMAGE.items():
        yield from _unless_empty(name, config.get(key))
    yield from _limits(host)
    yield from _unless_empty("network", networks)
    yield from _unless_empty("network mode", host.get("NetworkMode"))
    yield "restart policy", host["RestartPolicy"]["Name"] or "no"
    for key in sorted({*host, *_NEVER_ASKED} - _TOLD_APART):
        yield from _unless_empty(key, _canonical(key, host.get(key)))
    yield from ((f"{LABEL}{name}", value) for name, value in sorted(config["Labels"].items()))
    pairs = dict(entry.partition("=")[::2] for entry in config["Env"] or ())
    yield from ((f"{ENV}{name}", value) for name, value in sorted(pairs.items()))


def _limits(host: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "cpu", f"{(host.get('NanoCpus') or 0) / 1e9:g} cores"
    yield "memory", f"{(host.get('Memory') or 0) / _MIB:g} MiB"
    yield "memory and swap", f"{(host.get('MemorySwap') or 0) / _MIB:g} MiB"
    yield "processes", str(host.get("PidsLimit") or 0)
    if (host.get("CpuShares") or _USUAL_SHARES) != _USUAL_SHARES:
        yield "cpu shares", str(host["CpuShares"])


def _endpoints(networks: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> str:
    """The engine adds a container's short id to its aliases."""
    return ", ".join(_endpoint(name, each or {}, wanted.get(name)) for name, each in sorted((networks or {}).items()))


def _endpoint(name: str, facts: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> str:
    address = facts.get("IPAddress") or (facts.get("IPAMConfig") or {}).get("IPv4Address") or "without an address"
    aliases = set((wanted or {}).get("Aliases") or ()) & set(facts.get("Aliases") or ())
    return f"{name} {address}{' as ' if aliases else ''}{' '.join(sorted(aliases))}"


def _unless_empty(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        yield name, text[:_SHOWN]


def _canonical(key: str, value: Any) -> Any:
    """Engines differ in how they repeat a capability or a security option, and in the order of lists."""
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(each, str) for each in value):
        prefix, suffix = ("CAP_", "") if key.startswith("Cap") else ("", ":true")
        return sorted(each.removeprefix(prefix).removesuffix(suffix) for each in value)
    return value
