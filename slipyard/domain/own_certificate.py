"""A certificate that somebody brings for a name: whether browsers would take it there, and what it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.host_name import WILDCARD, covers

_LONGEST_CHAIN = 10
_LEAST_RSA_BITS = 2048
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class CertificateFacts:
    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    serial: str  # hex digits


def check_certificate(chain: str, key: str, host: str, now: datetime) -> CertificateFacts:
    """`ValidationFailed` with what is wrong: the key, the order, the names or the time. Nothing of the key is repeated."""
    certificates = _read_chain(chain)
    _check_key(certificates[0], _read_key(key))
    _check_order(certificates)
    facts = facts_of(certificates[0])
    _check_names(facts, host)
    _check_time(certificates, now)
    return facts


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    return CertificateFacts(
        names=_names(certificate),
        issuer=_name(certificate.issuer),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        serial=f"{certificate.serial_number:x}",
    )


def certifies(names: Sequence[str], host: str) -> bool:
    """A wildcard stands for one label, and for no name above it (RFC 6125)."""
    return any(name == host or (not host.startswith(WILDCARD) and covers(name, host)) for name in names)


def _read_chain(chain: str) -> list[x509.Certificate]:
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        raise _refused(
            "chain", "holds no certificate that can be read. Give PEM: the host's own certificate first"
        ) from None
    if len(certificates) > _LONGEST_CHAIN:
        raise _refused("chain", f"holds {len(certificates)} certificates. Give the host's own and those between")
    return certificates


def _read_key(key: str) -> PrivateKey:
    try:
        found = load_pem_private_key(key.encode(), password=None)
    except TypeError:
        raise _refused(
            "key", "is locked with a passphrase. Take it off first: `openssl pkey -in KEY -out NEW`"
        ) from None
    except ValueError:
        raise _refused("key", "cannot be read. Give the private key as PEM") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise _refused("key", "is of a kind that browsers do not take. Use ECDSA or RSA")
    if isinstance(found, rsa.RSAPrivateKey) and found.key_size < _LEAST_RSA_BITS:
        raise _refused("key", f"has {found.key_size} bits. RSA needs {_LEAST_RSA_BITS} or more")
    return found


def _check_key(certificate: x509.Certificate, key: PrivateKey) -> None:
    public = [
        each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for each in (certificate.public_key(), key.public_key())
    ]
    if public[0] != public[1]:
        raise _refused(
            "key", "does not belong to the first certificate of the chain. Give the one that it was made with"
        )


def _check_order(certificates: Sequence[x509.Certificate]) -> None:
    for place, (lower, upper) in enumerate(pairwise(certificates), 1):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            raise _refused(
                "chain",
                f"is out of order: certificate {place + 1} did not sign certificate {place}. Begin with the host's own;"
                " each is followed by the one that signed it",
            ) from None


def _check_names(facts: CertificateFacts, host: str) -> None:
    if not certifies(facts.names, host):
        shown = ", ".join(facts.names[:5]) or "no name at all"
        raise _refused("chain", f"is for {shown}, and not for {host}. Get one for that name")


def _check_time(certificates: Sequence[x509.Certificate], now: datetime) -> None:
    for certificate in certificates:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if now >= ends:
            raise _refused(
                "chain", f"ended: {_name(certificate.subject)} was good until {ends:%Y-%m-%d %H:%M} UTC. Renew it"
            )
        if now < begins:
            raise _refused(
                "chain", f"is good from {begins:%Y-%m-%d %H:%M} UTC on, and not yet. Bring it then, or set the clock"
            )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Those that browsers look at; the subject's common name is not among them."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(name.lower() for name in extension.value.get_values_for_type(x509.DNSName))


def _name(name: x509.Name) -> str:
    """Short, for people."""
    parts = {attribute.rfc4514_attribute_name: str(attribute.value) for attribute in name}
    return parts.get("CN") or parts.get("O") or name.rfc4514_string() or "nobody"


def _refused(field: str, why: str) -> ValidationFailed:
    return ValidationFailed(f"The {field} {why}.", details=[FieldProblem(field, why)])
