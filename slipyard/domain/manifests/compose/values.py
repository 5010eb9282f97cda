"""The values of a service whose forms are many: ports, volumes, checks of health, limits, lists that may be mappings."""

import math
import re
import shlex
from collections.abc import Callable

from slipyard.domain.health import HealthCheck, HealthType
from slipyard.domain.manifests.compose.amounts import seconds, size
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.resources import Resources, memory_bytes, millicores
from slipyard.domain.volume import Mount

_MIB = 1024 * 1024
_MOST_PORT = 65535
_INTERVAL, _TIMEOUT, _RETRIES = 30.0, 30.0, 3  # what the engine takes where nothing is said
_LONGEST_CHECK, _LONGEST_START, _SHORTEST_START = 300.0, 3600.0, 10.0
_PORT = re.compile(r"(?:(?P<host>.*):)?(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[a-z]+))?")
_PATHS = (".", "/", "~", "\\")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")


def pairs(place: Place) -> dict[str, str | None]:
    """A mapping, or a list of `NAME=value`; None has no value of its own."""
    if isinstance(place.value, dict):
        return {key: None if each.value is None else each.text() for key, each in place.mapping()}
    split = [each.text().partition("=") for each in place.sequence()]
    return {name: value if equals else None for name, equals, value in split}


def words(place: Place) -> tuple[str, ...] | None:
    """A line is cut as a shell cuts it, and no shell runs. None for an empty one."""
    if isinstance(place.value, list):
        return tuple(each.text() for each in place.sequence()) or None
    try:
        return tuple(shlex.split(place.text())) or None
    except ValueError as error:
        raise place.refusal("has a quote that is not closed.") from error


def duration(place: Place) -> float:
    try:
        return seconds(place.text())
    except ValueError as error:
        raise place.refusal(f"cannot be read: {error}.") from error


def port(place: Place) -> int | None:
    """Of the container; None for UDP, which is not routed."""
    if isinstance(place.value, dict):
        place.only({"name", "target", "published", "host_ip", "protocol", "app_protocol", "mode"})
        target, host = place.get("target"), place.get("published")
        if target is None:
            raise place.refusal("has no target: the port in the container.")
        protocol = place.get("protocol")
        return _checked(place, target.text(), protocol.text() if protocol else "", has_host=host is not None)
    found = _PORT.fullmatch(place.text())
    if found is None:
        raise place.refusal("is no port: write it as 8080, or as 80:8080.")
    return _checked(place, found["target"], found["protocol"] or "", has_host=found["host"] is not None)


def _checked(place: Place, target: str, protocol: str, *, has_host: bool) -> int | None:
    if not target.isdecimal() or not 0 < int(target) <= _MOST_PORT:
        raise place.refusal("is not one port from 1 to 65535. Write each port by itself.")
    if protocol not in {"", "tcp"}:
        place.warn(f"does not count: requests come by TCP, and this is {protocol[:20]}.")
        return None
    if has_host:
        place.warn("does not take a port of the machine: requests come through the router, at the app's own name.")
    return int(target)


def mount(place: Place, volumes: set[str]) -> Mount | None:
    """None for what holds nothing beyond its container."""
    if isinstance(place.value, dict):
        return _long_mount(place, volumes)
    text = place.text()
    source, colon, rest = text.partition(":")
    if _WINDOWS.match(text) or (colon and source.startswith(_PATHS)):
        raise place.refusal(_bind(source))
    if not colon:
        place.warn("has no name, so it goes with its container. Name a volume to keep what is written there.")
        return None
    path, _, mode = rest.partition(":")
    return _named(place, source, path, volumes, read_only="ro" in mode.split(","))


def _long_mount(place: Place, volumes: set[str]) -> Mount | None:
    place.only({"type", "source", "target", "read_only", "volume", "tmpfs", "bind", "consistency"})
    kind = place.get("type")
    source, target, read_only = place.get("source"), place.get("target"), place.get("read_only")
    if kind is not None and kind.text() == "tmpfs":
        place.warn("does not count: what is written there lies in the container.")
        return None
    if (kind is not None and kind.text() != "volume") or (source is not None and source.text().startswith(_PATHS)):
        raise place.refusal(_bind(source.text() if source else ""))
    if target is None:
        raise place.refusal("has no target: the path in the container.")
    if source is None:
        place.warn("has no source, so it goes with its container. Name a volume to keep what is written there.")
        return None
    return _named(place, source.text(), target.text(), volumes, read_only=bool(read_only and read_only.truth()))


def _named(place: Place, volume: str, path: str, volumes: set[str], *, read_only: bool) -> Mount:
    if volume not in volumes:
        raise place.refusal(f"uses the volume {volume[:60]!r}, which `volumes` at the end of the file does not name.")
    if not path.startswith("/"):
        raise place.refusal("needs an absolute path in the container.")
    return Mount(volume=volume, path=path, read_only=read_only)


def _bind(source: str) -> str:
    return (
        f"mounts {source[:80]!r} of the machine, which apps may not. Name a volume for data, COPY files of the repository "
        "into the image, and make what is secret a secret with `slipyard secrets set --path`."
    )


def health_check(place: Place) -> HealthCheck | None:
    """As long as compose waits until it calls a container unhealthy, so long it may take to become ready here."""
    place.only({"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"})
    off, test = place.get("disable"), place.get("test")
    command = None if test is None else _test(test)
    if (off is not None and off.truth()) or command == "":
        return HealthCheck(type=HealthType.TCP)
    said = {key: _of_check(place, key) for key in ("interval", "timeout", "start_period")}
    retries = place.get("retries")
    times = _RETRIES if retries is None else max(1, retries.integer())
    interval, timeout = said["interval"] or _INTERVAL, said["timeout"] or _TIMEOUT
    start = (said["start_period"] or 0.0) + times * (interval + timeout)
    return HealthCheck(
        command=command,
        interval=min(interval, _LONGEST_CHECK),
        timeout=min(timeout, _LONGEST_CHECK),
        retries=min(times, 100),
        start_period=min(max(start, _SHORTEST_START), _LONGEST_START),
    )


def _of_check(place: Place, key: str) -> float | None:
    child = place.get(key)
    return None if child is None else duration(child)


def _test(place: Place) -> str | tuple[str, ...]:
    """Empty for a check that is turned off."""
    if not isinstance(place.value, list):
        return place.text()
    first, *rest = [each.text() for each in place.sequence()] or ["NONE"]
    if first == "NONE":
        return ""
    if first == "CMD-SHELL" and len(rest) == 1:
        return rest[0]
    if first == "CMD" and rest:
        return tuple(rest)
    raise place.refusal("begins with CMD and a program, CMD-SHELL and one line, or is NONE.")


def resources(cpus: Place | None, memory: Place | None) -> Resources | None:
    """What is not said stays as the app was told."""
    said: dict[str, str] = {}
    if cpus is not None:
        said["cpu"] = _limit(cpus, f"{math.ceil(cpus.number() * 1000)}m", millicores)
    if memory is not None:
        said["memory"] = _limit(memory, f"{_mebibytes(memory)}Mi", memory_bytes)
    return Resources(**said) if said else None


def _limit(place: Place, text: str, check: Callable[[str], int]) -> str:
    try:
        check(text)
    except ValueError as error:
        raise place.refusal(f"cannot be given: {error}.") from error
    return text


def _mebibytes(place: Place) -> int:
    try:
        return math.ceil(size(place.text()) / _MIB)
    except ValueError as error:
        raise place.refusal(f"cannot be read: {error}.") from error
