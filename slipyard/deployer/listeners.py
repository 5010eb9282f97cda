"""What a container listens on, read from its network namespace, to say why nothing answers on the port it was given.

`/proc/<pid>/net/tcp` is described in proc_pid_net(5): hexadecimal address in host byte order, port, state 0A for listening.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

_LISTENING = "0A"
_IPV4_DIGITS = 8
_IPV6_LOOPBACK = "00000000000000000000000001000000"
_EMBEDDED_DNS = "127.0.0.11"  # the engine's own resolver


@dataclass(frozen=True)
class Listener:
    loopback: bool
    port: int


def listeners(pid: int) -> list[Listener] | None:
    """None where it cannot be read: another user's process, or an engine on another machine."""
    try:
        tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    except OSError:
        return None
    return sorted(parse_listeners(line for table in tables for line in table.splitlines()[1:]), key=_order)


def parse_listeners(lines: Iterable[str]) -> set[Listener]:
    found = set()
    for line in lines:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTENING and not _is_embedded_dns(address):
            found.add(Listener(_is_loopback(address), int(port, 16)))
    return found


def advice(port: int, found: list[Listener] | None) -> str:
    """What to change, as one sentence."""
    open_ports = sorted({listener.port for listener in found or () if not listener.loopback})
    if port in open_ports:
        return "it listens there and does not answer in time; look into its output, or raise the check's timeout"
    if found and Listener(loopback=True, port=port) in found:
        return f"it listens on 127.0.0.1:{port} only; listen on 0.0.0.0:$PORT"
    if open_ports:
        return f"it listens on port {', '.join(map(str, open_ports))}; listen on 0.0.0.0:$PORT, or set the app's port"
    if found:
        return "it listens on 127.0.0.1 and another port only; listen on 0.0.0.0:$PORT"
    return "the app must listen on 0.0.0.0:$PORT"


def _order(listener: Listener) -> tuple[int, bool]:
    return listener.port, listener.loopback


def _ipv4(address: str) -> IPv4Address:
    return IPv4Address(struct.unpack(">I", struct.pack("=I", int(address, 16)))[0])


def _is_loopback(address: str) -> bool:
    return _ipv4(address).is_loopback if len(address) == _IPV4_DIGITS else address == _IPV6_LOOPBACK


def _is_embedded_dns(address: str) -> bool:
    return len(address) == _IPV4_DIGITS and str(_ipv4(address)) == _EMBEDDED_DNS
