"""An authority of a test: signs certificates for names, as real ones do."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """PEM."""

    certificate: str
    key: str


@dataclass
class Authority:
    """A root, and one below it that signs."""

    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self.root = _sign("Root", self.root_key, "Root", self.root_key, (now - DAY, now + 999 * DAY), authority=True)
        self.between = _sign("Between", self.key, "Root", self.root_key, (now - DAY, now + 999 * DAY), authority=True)

    @property
    def chain(self) -> str:
        """What follows a certificate."""
        return pem_of(self.between)

    def sign(self, *names: str, begins: timedelta = -DAY, ends: timedelta = 90 * DAY) -> Signed:
        """Good from `begins` to `ends`, counted from now."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        made = _sign(names[0], key, "Between", self.key, (now + begins, now + ends), names=names)
        return Signed(pem_of(made), privatepem_of(key))


def privatepem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _sign(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    good: tuple[datetime, datetime],
    *,
    names: tuple[str, ...] = (),
    authority: bool = False,
) -> x509.Certificate:
    made = x509.CertificateBuilder(
        issuer_name=_named(issuer),
        subject_name=_named(name),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=good[0],
        not_valid_after=good[1],
    ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
