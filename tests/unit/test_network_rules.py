"""This machine, its neighbours and metadata services stay closed, in every form in which they can be written."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused
from slipyard.domain.network_rules import check_addresses, check_host, may_reach

CLOSED = [
    "127.0.0.1", "127.255.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "169.254.0.1",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1", "2002:a00:1::1", "100::1",
]  # fmt: skip
OPEN = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2a00:1450::1"]


@pytest.mark.parametrize("text", CLOSED)
def test_a_closed_address_is_never_reached(text: str) -> None:
    assert not may_reach(ip_address(text))


@pytest.mark.parametrize("text", OPEN)
def test_a_public_address_may_be_reached(text: str) -> None:
    assert may_reach(ip_address(text))


def test_an_allowed_network_opens_its_addresses_in_every_form() -> None:
    allowed = [ip_network("10.0.0.0/8")]
    assert may_reach(ip_address("10.1.2.3"), allowed)
    assert may_reach(ip_address("::ffff:10.1.2.3"), allowed)
    assert not may_reach(ip_address("192.168.0.1"), allowed)


def test_a_wide_network_does_not_open_the_metadata_service_by_accident() -> None:
    everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    assert may_reach(ip_address("192.168.0.1"), everything)
    assert not may_reach(ip_address("169.254.169.254"), everything)
    assert not may_reach(ip_address("::ffff:169.254.169.254"), everything)
    assert may_reach(ip_address("169.254.169.254"), [ip_network("169.254.0.0/16")])


def test_one_closed_address_among_many_refuses_the_name() -> None:
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1"):
        check_addresses("rebind.example", [ip_address("93.184.216.34"), ip_address("127.0.0.1")])
    with pytest.raises(SourceRefused, match="no address"):
        check_addresses("nowhere.example", [])


@pytest.mark.parametrize(
    "text",
    ["", ".", "-a", "a-", "a..b", "a b", "a/b", "a@b", "1", "1.2", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x1.2.3.4", "1.2.3.0x4", "256.1.1.1",
     "a.0x7f", "a.1", "é.com", "a" * 64, "x." * 130, "fe80::1%eth0", ":::", "a:b", "[::1]", "a%2eb", "a\n"],
)  # fmt: skip
def test_what_only_looks_like_a_host_is_refused(text: str) -> None:
    with pytest.raises(SourceRefused):
        check_host(text)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_numbers_are_no_hosts(number: int) -> None:
    for form in (str(number), hex(number), oct(number).replace("o", "")):
        with pytest.raises(SourceRefused):
            check_host(form)


@given(st.ip_addresses(network="127.0.0.0/8"), st.sampled_from(["::ffff:0:0/96", "64:ff9b::/96"]))
def test_loopback_stays_closed_behind_ipv6(address: object, prefix: str) -> None:
    base = int(ip_network(prefix).network_address)
    assert not may_reach(ip_address(base + int(ip_address(str(address)))))
