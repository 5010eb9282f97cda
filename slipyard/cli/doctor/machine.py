"""The machine: room on the disk, a clock that is right, ports that are ours, and what is installed."""

import ctypes
import platform
import shutil
import socket
import struct
from pathlib import Path

from slipyard import __version__
from slipyard.cli.doctor.finding import Finding, Subject, fail, ok, warn
from slipyard.cli.up.lock import running_supervisor
from slipyard.cli.up.readiness import api_trouble

_GIB = 1024**3
_LOW, _TOO_LOW = 3 * _GIB, _GIB // 2
_STA_UNSYNC = 0x40  # adjtimex(2)
_TIMEX_BYTES, _STATUS_OFFSET = (
    208,
    40,
)  # struct timex on 64-bit Linux; status follows modes, offset, freq and two errors


async def check_versions(subject: Subject) -> Finding:
    text = f"Slipyard {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}"
    if subject.installation_id is None:
        return warn("installation", f"{text}; {subject.layout.home} is not made yet", "`slipyard up` makes it.")
    return ok("installation", f"{text}; {subject.installation_id} in {subject.layout.home}")


async def check_parts(subject: Subject) -> Finding:
    supervised = running_supervisor(subject.layout) is not None
    trouble = api_trouble(subject.settings)
    if trouble is not None and not supervised:
        return fail("parts", "Slipyard does not run", "`slipyard up --detach` starts it.")
    if trouble is not None:
        return fail("parts", trouble, f"Look into {subject.layout.logs / 'slipyard.log'}.")
    by_others = "" if supervised else ", and something else than `slipyard up` looks after the parts"
    return ok("parts", f"the API answers at {subject.settings.api_url}{by_others}")


async def check_ports(subject: Subject) -> Finding:
    port = subject.settings.http_port
    if _listens("127.0.0.1", port):
        return ok("ports", f"apps answer on port {port}")
    return fail(
        "ports", f"nobody listens on port {port}, where apps should answer", "Caddy did not get it; see caddy.log."
    )


async def check_disk(subject: Subject) -> Finding:
    place = subject.layout.home if subject.layout.home.exists() else Path.home()
    free = shutil.disk_usage(place).free
    text = f"{free / _GIB:.1f} GiB free in {place}"
    if free < _TOO_LOW:
        return fail("disk", text, "Make room: builds and deployments fail when the disk is full.")
    return warn("disk", text, "Make room soon: images need it.") if free < _LOW else ok("disk", text)


async def check_clock(_subject: Subject) -> Finding:
    status = _clock_status()
    if status is None:
        return warn(
            "clock", "this kernel does not say whether the clock is kept right", "Check that time is synchronised."
        )
    if status & _STA_UNSYNC:
        advice = (
            "Start a time service such as systemd-timesyncd or chrony: certificates and webhooks need the right time."
        )
        return warn("clock", "not kept right by a time service", advice)
    return ok("clock", "kept right by a time service")


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def _clock_status() -> int | None:
    """With modes 0 the call only reads, which anybody may."""
    facts = ctypes.create_string_buffer(_TIMEX_BYTES)
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None or struct.calcsize("P") != 8 or adjtimex(facts) < 0:  # noqa: PLR2004 - the offsets are of 64 bits
        return None
    status: int = struct.unpack_from("i", facts, _STATUS_OFFSET)[0]
    return status
