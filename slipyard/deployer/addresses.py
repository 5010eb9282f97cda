"""Which addresses an app owns: a /26 out of the pool, its instances one after another in a ring.

A stopped container's address goes to the next container at once where the engine chooses, and would hand one tenant's
traffic to another. In a ring of its own, an address comes back as late as possible, and only to the same app.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

from slipyard.domain.errors import QuotaExceeded, ValidationFailed

PREFIX = 26


def pool_size(pool: IPv4Network) -> int:
    """How many apps fit."""
    if pool.prefixlen > PREFIX:
        raise ValidationFailed(
            f"SLIPYARD_NETWORK_POOL is {pool}, which is smaller than the /{PREFIX} of one app. "
            "Use a private network such as 10.201.0.0/16."
        )
    return 1 << (PREFIX - pool.prefixlen)


def subnet_at(pool: IPv4Network, index: int) -> str:
    """The subnet number `index`, from 0, as `a.b.c.d/26`."""
    if not 0 <= index < pool_size(pool):
        raise QuotaExceeded(
            f"All {pool_size(pool)} subnets of the network pool {pool} are in use. "
            "Delete an app, or set a larger SLIPYARD_NETWORK_POOL."
        )
    first = int(pool.network_address) + index * (1 << (32 - PREFIX))
    return f"{IPv4Address(first)}/{PREFIX}"


def next_address(subnet: str, last: str | None, in_use: Collection[str]) -> str:
    """The first free address after the one issued last. The first host address is the gateway's."""
    addresses = [str(address) for address in islice(IPv4Network(subnet).hosts(), 1, None)]
    start = addresses.index(last) + 1 if last in addresses else 0
    for address in addresses[start:] + addresses[:start]:
        if address not in in_use:
            return address
    raise QuotaExceeded(
        f"All {len(addresses)} addresses of the app's subnet {subnet} are in use. "
        "Run fewer replicas, or wait until the instances before are gone."
    )
