"""Which hosts and addresses Slipyard may call on behalf of a user: git hosts, registries, callbacks alike.

The machine itself, its neighbours and metadata services are closed unless an operator opened their network. Rules
follow the IANA special-purpose address registries (RFC 6890), plus the one public metadata address (Azure's).
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from slipyard.domain.errors import SourceRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAXIMUM_NAME = 253
_METADATA = (IPv4Network("169.254.0.0/16"), IPv4Network("168.63.129.16/32"), IPv6Network("fd00:ec2::/32"))
_NARROW_ENOUGH_TO_BE_MEANT = 16
_CLOSED: tuple[Network, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("240.0.0.0/4"),
    IPv6Network("::/96"),
    IPv6Network("fec0::/10"),
    IPv6Network("100::/64"),
    IPv6Network("::ffff:0:0:0/96"),  # IPv4 translated by a gateway of the site (RFC 2765)
    IPv6Network("64:ff9b:1::/48"),  # the same, by a NAT64 of the site (RFC 8215)
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    *_METADATA,
)
_NAT64 = IPv6Network("64:ff9b::/96")


def check_host(text: str) -> str:
    """A DNS name or an address in its one usual form, in lower case; IPv6 without brackets.

    Forms that resolvers read as addresses though they do not look like one (`2130706433`, `0x7f.1`, `0177.0.0.1`)
    raise `SourceRefused`, as do option-like names and anything outside ASCII letters, digits, `-`, `_` and `.`.
    """
    host = text.lower()
    if ":" in host:
        return str(_ipv6(host))
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return str(_ipv4(host))
    if len(host) > _MAXIMUM_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise SourceRefused(
            f"{text!r} is not a host name. Use letters, digits, dots and hyphens; write an international name in its xn-- form."
        )
    return host.removesuffix(".")


def literal_address(host: str) -> Address | None:
    """The address that a checked host already is, or None where it is a name to resolve."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def may_reach(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether one resolved address may be called. An allowed network opens it, in whatever form it is written."""
    inner = _unwrapped(address)
    if is_allowed(address, allowed):
        return True
    return inner.is_global and not inner.is_multicast and not any(inner in network for network in _CLOSED)


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an operator opened this address by name of its network: only there plain http is spoken."""
    inner = _unwrapped(address)
    return any(_opens(network, inner) for network in allowed if address in network or inner in network)


def check_addresses(host: str, addresses: Sequence[Address], allowed: Sequence[Network] = ()) -> None:
    """All of them must be reachable: one forbidden answer is enough to refuse the name."""
    if not addresses:
        raise SourceRefused(f"The host {host} has no address. Check its name.")
    for address in addresses:
        if not may_reach(address, allowed):
            raise SourceRefused(
                f"The host {host} is at {address}, which is closed: addresses of this machine, its neighbours and "
                "metadata services are not called. An operator opens a private network with SLIPYARD_ALLOWED_NETWORKS."
            )


def _opens(network: Network, inner: Address) -> bool:
    """A network as wide as 0.0.0.0/0 opens every neighbour, but never a metadata service by accident."""
    metadata = any(inner in closed for closed in _METADATA)
    return not metadata or network.prefixlen >= _NARROW_ENOUGH_TO_BE_MEANT


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _ipv4(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError as error:
        raise SourceRefused(
            f"{text!r} is not a host: a number stands only in a dotted address of four decimal parts, such as 192.0.2.7."
        ) from error


def _ipv6(text: str) -> IPv6Address:
    try:
        address = IPv6Address(text)
    except ValueError as error:
        raise SourceRefused(f"{text!r} is not an IPv6 address.") from error
    if address.scope_id:
        raise SourceRefused(f"{text!r} names a network card; an address with a zone is never reached.")
    return address
