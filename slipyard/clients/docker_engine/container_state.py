"""What the engine says of a container: from its list, where exit codes are only in a sentence, or from one inspect."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from slipyard.clients.container_engine import ContainerState
from slipyard.domain.usage import Reading

_EXIT_CODE = re.compile(r"(?:Exited|Restarting) \((\d+)\)")
_ALIVE = {"running", "paused"}
_NANOSECOND = 1e-9
_NEVER = "0001-01-01T00:00:00Z"


def listed(row: Mapping[str, Any]) -> ContainerState:
    """The list does not say `out_of_memory`, `restarts` and `started_at`: False, 0 and None."""
    exited = _EXIT_CODE.match(row["Status"])
    return ContainerState(
        container_id=row["Id"],
        name=row["Names"][0].removeprefix("/") if row["Names"] else "",
        labels=row["Labels"],
        image_id=row["ImageID"],
        running=row["State"] in _ALIVE,
        paused=row["State"] == "paused",
        restarting=row["State"] == "restarting",
        exit_code=int(exited[1]) if exited else None,
        out_of_memory=False,
        restarts=0,
        started_at=None,
        addresses=_addresses(row["NetworkSettings"]["Networks"]),
        networks=_networks(row["NetworkSettings"]["Networks"]),
    )


def inspected(facts: Mapping[str, Any]) -> ContainerState:
    state = facts["State"]
    over = state["Status"] in {"exited", "dead", "restarting"}
    return ContainerState(
        container_id=facts["Id"],
        name=facts["Name"].removeprefix("/"),
        labels=facts["Config"]["Labels"] or {},
        image_id=facts["Image"],
        running=state["Status"] in _ALIVE,
        paused=state["Status"] == "paused",
        restarting=state["Status"] == "restarting",
        exit_code=state["ExitCode"] if over else None,
        out_of_memory=state["OOMKilled"],
        restarts=facts["RestartCount"],
        started_at=None if state["StartedAt"] == _NEVER else datetime.fromisoformat(state["StartedAt"]),
        addresses=_addresses(facts["NetworkSettings"]["Networks"]),
        networks=_networks(facts["NetworkSettings"]["Networks"]),
        pid=state["Pid"] or None,
        error=state["Error"],
    )


def memory_held(stats: Mapping[str, Any]) -> int:
    """As `docker stats` counts it: without inactive file pages (`total_inactive_file` of cgroup v1, else v2's name)."""
    memory = stats.get("memory_stats") or {}
    detail = memory.get("stats") or {}
    files = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    return max(0, int(memory.get("usage", 0)) - int(files))


def usage_in(stats: Mapping[str, Any]) -> Reading | None:
    """Of a container that does not run the engine knows nothing: None."""
    processor = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
    processes = (stats.get("pids_stats") or {}).get("current")
    if not processor or not processes:
        return None
    networks = (stats.get("networks") or {}).values()
    disk = _by_operation((stats.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ())
    return Reading(
        cpu_seconds=processor * _NANOSECOND,
        memory_bytes=memory_held(stats),
        processes=int(processes),
        received=sum(int(each["rx_bytes"]) for each in networks),
        sent=sum(int(each["tx_bytes"]) for each in networks),
        read=disk.get("read", 0),
        written=disk.get("write", 0),
    )


def _by_operation(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Of all devices together; v1 writes "Read", v2 "read"."""
    found: dict[str, int] = {}
    for row in rows:
        name = str(row["op"]).lower()
        found[name] = found.get(name, 0) + int(row["value"])
    return found


def _addresses(networks: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(address for network in networks.values() if (address := _address(network)))


def _networks(networks: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, network in networks.items() if _address(network))


def _address(network: Mapping[str, Any]) -> str:
    """A container that does not run has no address but the one that it was given."""
    return network["IPAddress"] or (network["IPAMConfig"] or {}).get("IPv4Address") or ""
