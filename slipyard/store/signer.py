"""The installation's signature: Ed25519, with a key derived from the one in `secret.key` that stays through rotations."""

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_KEY_BYTES = 32
_PURPOSE = b"slipyard: statements of origin"  # another one gives another key: nothing else is ever signed with this one


@dataclass(frozen=True)
class Signer:
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def derived_from(cls, secret: bytes) -> "Signer":
        seed = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(secret)
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def key_id(self) -> str:
        """Hex SHA-256 of the public key's DER form."""
        return hashlib.sha256(
            self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).hexdigest()

    @property
    def public_key(self) -> str:
        """PEM, for anybody who wants to check a signature."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, content: bytes) -> str:
        """Base64."""
        return base64.b64encode(self.key.sign(content)).decode()

    def is_signed(self, content: bytes, signature: str) -> bool:
        try:
            self.key.public_key().verify(base64.b64decode(signature, validate=True), content)
        except (InvalidSignature, ValueError):
            return False
        return True
