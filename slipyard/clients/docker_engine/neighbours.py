"""How soon the kernel asks again who has an address that did not answer.

Whoever is visited while its container is away makes the kernel ask for its address. By default it asks once a second, so
a container that is back after 0.3 s would answer after 1.3 s: `docs/decisions.md` has the figures.
"""

from contextlib import suppress
from pathlib import Path

_ASK_AGAIN_MILLISECONDS = 50
_ROOT = Path("/proc/sys/net/ipv4/neigh")


def ask_again_soon(network_id: str) -> None:
    """On the bridge of this network, which Docker names after its id. Where the engine is on another machine, or this one's
    kernel is not ours to set, a second is lost and nothing else."""
    with suppress(OSError):
        retransmission_of(network_id).write_text(str(_ASK_AGAIN_MILLISECONDS))


def retransmission_of(network_id: str) -> Path:
    """In milliseconds."""
    return _ROOT / f"br-{network_id[:12]}" / "retrans_time_ms"
