"""The rules, judged packet by packet as the kernel would."""

from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slipyard.deployer.addresses import subnet_at
from slipyard.deployer.firewall_rules import Firewall, chains_of, hooks_into, parse_resolvers

POOL = IPv4Network("10.201.0.0/16")
FIREWALL = Firewall(POOL, "a1b2c3d4e5", resolvers=("169.254.169.253",), open_ports=(8080,))


def inside(address: str, network: str) -> bool:
    """As iptables compares: masks need not be contiguous."""
    base, _, mask = network.partition("/")
    bits = int(IPv4Address(mask)) if "." in mask else int(IPv4Network(f"0.0.0.0/{mask}").netmask)
    return int(IPv4Address(address)) & bits == int(IPv4Address(base)) & bits


def verdict(rules, source: str, destination: str, protocol: str = "tcp", port: int = 80) -> str:
    for rule in rules:
        options = dict(pairwise(rule))
        fits = (
            options.get("--ctstate") is None
            and inside(source, options.get("-s", "0.0.0.0/0"))
            and inside(destination, options.get("-d", "0.0.0.0/0"))
            and options.get("-p", protocol) == protocol
            and options.get("--dport", str(port)) == str(port)
        )
        if fits:
            return options["-j"]
    return "RETURN"


def forwarded(source: str, destination: str, protocol: str = "tcp", port: int = 80) -> str:
    return verdict(FIREWALL.chains()[FIREWALL.forward_chain], source, destination, protocol, port)


def taken_in(port: int) -> str:
    return verdict(FIREWALL.chains()[FIREWALL.input_chain], "10.201.0.2", "192.0.2.1", "tcp", port)


@given(st.integers(0, 1023), st.integers(0, 1023), st.integers(2, 62), st.integers(2, 62))
def test_apps_reach_themselves_and_no_other(one, two, source, destination):
    first = str(IPv4Network(subnet_at(POOL, one))[source])
    second = str(IPv4Network(subnet_at(POOL, two))[destination])
    assert forwarded(first, second) == ("RETURN" if one == two else "REJECT")


def test_metadata_services_are_closed_and_the_internet_is_open():
    assert forwarded("10.201.0.2", "169.254.169.254") == "REJECT"
    assert forwarded("10.201.0.2", "198.51.100.7") == "RETURN"


def test_the_hosts_name_server_answers_names_and_nothing_else():
    assert forwarded("10.201.0.2", "169.254.169.253", "udp", 53) == "RETURN"
    assert forwarded("10.201.0.2", "169.254.169.253", "tcp", 80) == "REJECT"


def test_of_the_host_only_the_routers_port_is_open():
    assert taken_in(8080) == "RETURN"
    assert {taken_in(port) for port in (22, 7007, 5432)} == {"REJECT"}


def test_names_of_chains_fit_into_the_kernels_28_characters():
    assert all(len(chain) <= 28 for chain in FIREWALL.chains())


def test_only_name_servers_that_packets_leave_the_host_for_are_exceptions():
    text = "# nameserver 8.8.8.8\nnameserver 127.0.0.53\nnameserver 169.254.169.253\nnameserver fd00::1\nsearch x\nnameserver\n"
    assert parse_resolvers(text) == ["169.254.169.253"]


def test_what_leads_into_our_chains_is_found_whatever_pool_it_was_made_for() -> None:
    forward, into = chains_of("a1b2c3d4e5")
    listed = [
        ["-P", "INPUT", "ACCEPT"],
        ["-N", forward],
        ["-A", "INPUT", "-s", "10.99.0.0/16", "-j", into],
        ["-A", "DOCKER-USER", "-s", "10.99.0.0/16", "-j", forward],
        ["-A", "DOCKER-USER", "-j", "RETURN"],
        ["-A", "DOCKER-USER", "-s", "10.99.0.0/16", "-j", chains_of("another0id")[0]],
        ["-A", forward, "-d", "169.254.0.0/16", "-j", "REJECT", "--reject-with", "icmp-admin-prohibited"],
    ]
    assert hooks_into([forward, into], listed) == [
        ("INPUT", "-s", "10.99.0.0/16", "-j", into),
        ("DOCKER-USER", "-s", "10.99.0.0/16", "-j", forward),
    ]
