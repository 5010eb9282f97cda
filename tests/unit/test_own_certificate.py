"""A certificate that browsers would refuse is refused when it is brought, with a sentence that says why."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.own_certificate import certifies, check_certificate
from tests.authority import DAY, Authority

HOST = "www.example.test"
AUTHORITY = Authority()
GOOD = AUTHORITY.sign(HOST, "example.test")


def pem(key, encryption=None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def refused(chain: str, key: str, host: str = HOST) -> str:
    with pytest.raises(ValidationFailed) as error:
        check_certificate(chain, key, host, datetime.now(UTC))
    assert error.value.details
    for line in key.splitlines()[1:-1]:
        assert line not in error.value.message
    return error.value.message


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        ("", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----", "no certificate"),
        (AUTHORITY.chain + GOOD.certificate, "does not belong to the first certificate"),
        (GOOD.certificate + Authority().chain, "out of order: certificate 2 did not sign certificate 1"),
        (GOOD.certificate * 11, "holds 11 certificates"),
    ],
)
def test_a_chain_that_is_none_or_out_of_order(chain, says):
    assert says in refused(chain, GOOD.key)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("not a key", "cannot be read"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "does not belong"),
        (pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x")), "passphrase"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "kind that browsers do not take"),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
    ],
)
def test_a_key_that_cannot_be_used(key, says):
    assert says in refused(GOOD.certificate, key)


def test_names_and_times_that_do_not_fit():
    other = AUTHORITY.sign("other.test")
    assert "is for other.test, and not for www.example.test" in refused(other.certificate, other.key)
    old = AUTHORITY.sign(HOST, begins=-2 * DAY, ends=-timedelta(minutes=1))
    assert "ended" in refused(old.certificate, old.key)
    early = AUTHORITY.sign(HOST, begins=DAY)
    assert "not yet" in refused(early.certificate, early.key)


def test_what_it_says_is_told():
    now = datetime.now(UTC)
    facts = check_certificate(GOOD.certificate + AUTHORITY.chain, GOOD.key, HOST, now)
    assert (facts.names, facts.issuer) == ((HOST, "example.test"), "Between")
    assert timedelta(days=89) < facts.not_after - now < timedelta(days=91)


@pytest.mark.parametrize(
    ("names", "host", "holds"),
    [
        (["*.example.test"], "www.example.test", True),
        (["*.example.test"], "*.example.test", True),
        (["*.example.test"], "example.test", False),
        (["*.example.test"], "a.b.example.test", False),
        (["www.example.test"], "*.example.test", False),
        ([], "example.test", False),
    ],
)
def test_a_wildcard_is_good_for_one_label(names, host, holds):
    assert certifies(names, host) is holds
