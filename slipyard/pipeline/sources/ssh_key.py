"""Private keys for ssh: made here, or checked where somebody brings one. OpenSSH's own form goes to ssh."""

from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from slipyard.domain.errors import FieldProblem, ValidationFailed

_MAXIMUM = 16 * 1024
_NEEDS_PASSPHRASE = TypeError  # what cryptography raises for an encrypted key


@dataclass(frozen=True)
class SshKey:
    """`public` is the one line that the host must know, without a comment."""

    private: str = field(repr=False)
    public: str


def generate_key() -> SshKey:
    """ed25519, as every host of today takes it."""
    made = Ed25519PrivateKey.generate()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return SshKey(private, made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def read_key(text: str) -> SshKey:
    """A private key without passphrase, as ssh-keygen(1) writes it. `ValidationFailed` tells nothing of what was sent."""
    data = text.strip().encode(errors="replace") + b"\n"
    load = load_ssh_private_key if b"OPENSSH" in data[:64] else load_pem_private_key
    if len(data) > _MAXIMUM:
        raise _wrong("This is larger than a private key for ssh ever is.")
    try:
        public = load(data, None).public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    except _NEEDS_PASSPHRASE:
        raise _wrong(
            "This key needs a passphrase, and nobody is there to type it. Make one with ssh-keygen -N ''."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong(
            "This is not a private key for ssh. Send the file that ssh-keygen -t ed25519 -N '' makes, or let Slipyard"
            " generate one."
        ) from None
    return SshKey(data.decode(), line)


def _wrong(message: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem("private_key", "not usable")])
