"""Subnets and addresses: given out in a ring, so that none comes back while somebody may still send to it."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipyard.deployer.addresses import next_address, pool_size, subnet_at
from slipyard.domain.errors import QuotaExceeded, ValidationFailed

POOL = IPv4Network("10.201.0.0/16")


def test_a_pool_smaller_than_one_app_is_refused():
    with pytest.raises(ValidationFailed, match="SLIPYARD_NETWORK_POOL"):
        pool_size(IPv4Network("10.0.0.0/27"))


def test_a_full_pool_says_what_to_do():
    with pytest.raises(QuotaExceeded, match="larger SLIPYARD_NETWORK_POOL"):
        subnet_at(POOL, 1024)


def test_a_full_subnet_says_what_to_do():
    everything = {f"10.201.0.{host}" for host in range(64)}
    with pytest.raises(QuotaExceeded, match="fewer replicas"):
        next_address("10.201.0.0/26", None, everything)


def test_subnets_follow_each_other():
    assert pool_size(POOL) == 1024
    assert [subnet_at(POOL, index) for index in (0, 1, 5, 1023)] == [
        "10.201.0.0/26",
        "10.201.0.64/26",
        "10.201.1.64/26",
        "10.201.255.192/26",
    ]


@given(st.integers(0, 1023), st.integers(0, 1023))
def test_two_subnets_never_overlap(one, two):
    overlap = IPv4Network(subnet_at(POOL, one)).overlaps(IPv4Network(subnet_at(POOL, two)))
    assert overlap == (one == two)


def test_the_first_address_leaves_room_for_the_gateway():
    assert next_address("10.201.0.64/26", None, ()) == "10.201.0.66"


def test_an_address_comes_back_as_late_as_possible():
    given_out, last = [], None
    for _ in range(61):
        last = next_address("10.201.0.0/26", last, ())
        given_out.append(last)
    assert len(set(given_out)) == 61
    assert next_address("10.201.0.0/26", last, ()) == given_out[0]


def test_addresses_in_use_are_passed_over():
    assert next_address("10.201.0.0/26", "10.201.0.62", {"10.201.0.2", "10.201.0.3"}) == "10.201.0.4"
    assert next_address("10.201.0.0/26", "10.9.9.9", ()) == "10.201.0.2"
