"""What app containers may not reach, as rules: pure, so that they can be read and tested without a host.

Open: the internet, each other inside one app's subnet, and whatever the host asks them (the router's requests).
Closed: link-local addresses (metadata services), the subnets of other apps, and the host's own ports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from slipyard.deployer.addresses import PREFIX

LINK_LOCAL = "169.254.0.0/16"
_REJECT = ("-j", "REJECT", "--reject-with", "icmp-admin-prohibited")
_RETURN = ("-j", "RETURN")
_DNS = "53"

Rule = tuple[str, ...]


@dataclass(frozen=True)
class Firewall:
    """`resolvers` are the host's name servers and stay reachable on port 53: some clouds have theirs at a link-local
    address. `open_ports` of the host stay reachable over TCP: the router's, where apps call each other by their URLs."""

    pool: IPv4Network
    installation: str
    resolvers: Sequence[str] = ()
    open_ports: Sequence[int] = ()

    @property
    def forward_chain(self) -> str:
        return chains_of(self.installation)[0]

    @property
    def input_chain(self) -> str:
        return chains_of(self.installation)[1]

    def chains(self) -> dict[str, list[Rule]]:
        return {self.forward_chain: self._forward(), self.input_chain: self._input()}

    def hook(self, chain: str) -> Rule:
        """What leads packets into the chain: all that come from app containers."""
        return ("-s", str(self.pool), "-j", chain)

    def _forward(self) -> list[Rule]:
        link_local = ("-d", LINK_LOCAL, *_REJECT)
        return [_ESTABLISHED, *self._names(), link_local, *_other_subnets(self.pool)]

    def _input(self) -> list[Rule]:
        """The host may ask containers, and hears their answers; they may not begin to speak to it."""
        ports = [("-p", "tcp", "-m", "tcp", "--dport", str(port), *_RETURN) for port in self.open_ports]
        return [_ESTABLISHED, *self._names(), *ports, _REJECT]

    def _names(self) -> list[Rule]:
        return [
            ("-d", f"{address}/32", "-p", protocol, "-m", protocol, "--dport", _DNS, *_RETURN)
            for address in self.resolvers
            for protocol in ("udp", "tcp")
        ]


def chains_of(installation: str) -> tuple[str, str]:
    """For what is forwarded, and for what the host itself gets."""
    return f"SLIPYARD-F-{installation}", f"SLIPYARD-I-{installation}"


def hooks_into(chains: Sequence[str], listed: Sequence[Sequence[str]]) -> list[Rule]:
    """The rules among those of `iptables -S` that lead into one of the chains, as `(parent, ...)`: found by the chain's
    name, since an earlier start may have had another pool."""
    return [tuple(rule[1:]) for rule in listed if rule[0] == "-A" and rule[-2] == "-j" and rule[-1] in chains]


_ESTABLISHED: Rule = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", *_RETURN)


def _other_subnets(pool: IPv4Network) -> list[Rule]:
    """Two addresses lie in different subnets where they differ in one bit of the subnet's number: two rules for each
    bit close all of a pool, whatever apps come and go, and also where the kernel filters packets inside one bridge."""
    rules: list[Rule] = []
    for position in range(32 - PREFIX, 32 - pool.prefixlen):
        bit = 1 << position
        mask = IPv4Address(int(pool.netmask) | bit)
        zero = f"{pool.network_address}/{mask}"
        one = f"{IPv4Address(int(pool.network_address) | bit)}/{mask}"
        rules += [("-s", zero, "-d", one, *_REJECT), ("-s", one, "-d", zero, *_REJECT)]
    return rules


def parse_resolvers(resolv_conf: str) -> list[str]:
    """The IPv4 name servers that are not the host's loopback (resolv.conf(5))."""
    words = (line.split() for line in resolv_conf.splitlines())
    named = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return [address for address in named if _is_ipv4(address) and not IPv4Address(address).is_loopback]


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
