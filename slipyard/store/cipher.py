"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256), with as many keys as a rotation needs.

The key file holds one line for each key. `encrypt <Fernet key>`: the first of them encrypts, all of them decrypt.
`fingerprint <base64>`: keys the fingerprints; it stays through rotations, so that equal values go on looking equal.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from slipyard.domain.errors import SystemFault
from slipyard.store.private_file import create_private, replace_private
from slipyard.store.signer import Signer
from slipyard.store.stream_cipher import StreamKey

_FINGERPRINT_DIGITS = 12
_KEY_BYTES = 32


@dataclass(frozen=True)
class KeyRing:
    """`encryption`, the one in use first."""

    encryption: tuple[str, ...] = field(repr=False)
    fingerprint: str = field(repr=False)

    def __str__(self) -> str:
        lines = [f"encrypt {key}" for key in self.encryption]
        return "\n".join([*lines, f"fingerprint {self.fingerprint}", ""])


class Cipher:
    def __init__(self, keys: KeyRing) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys.encryption])
        self._fingerprint_key = base64.urlsafe_b64decode(keys.fingerprint)
        self.signer = Signer.derived_from(self._fingerprint_key)
        self.streams = StreamKey.derived_from(self._fingerprint_key)

    def encrypt(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def decrypt(self, sealed: bytes) -> bytes:
        """Raises `SystemFault` where none of the keys fits, or the bytes were changed."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise SystemFault(
                "A stored secret cannot be read: none of the keys in secret.key fits it, or it was damaged. Put back the"
                " secret.key that belongs to this database, or set the secret again."
            ) from None

    def renew(self, sealed: bytes) -> bytes:
        """The same secret under the key in use now."""
        return self.encrypt(self.decrypt(sealed))

    def fingerprint(self, plain: bytes) -> str:
        """12 hex digits that tell whether two values are equal, and nothing else to who has no key."""
        return hmac.new(self._fingerprint_key, plain, hashlib.sha256).hexdigest()[:_FINGERPRINT_DIGITS]


def load_cipher(path: Path) -> Cipher:
    """The cipher of a key file, which is made where it is missing."""
    if not path.exists():
        create_private(path, str(_new_ring()).encode())
    return Cipher(read_keys(path))


def add_key(path: Path) -> None:
    """First step of a rotation: a new key that decrypts. Reload every part before the second."""
    keys = read_keys(path)
    _write(path, KeyRing((*keys.encryption, _new_key()), keys.fingerprint))


def promote_key(path: Path) -> None:
    """Second step: the newest key encrypts. Reload every part, then renew what is stored."""
    keys = read_keys(path)
    *older, newest = keys.encryption
    _write(path, KeyRing((newest, *older), keys.fingerprint))


def drop_old_keys(path: Path) -> None:
    """Last step, once `store/rotation.py` has renewed everything that is stored."""
    keys = read_keys(path)
    _write(path, KeyRing(keys.encryption[:1], keys.fingerprint))


def read_keys(path: Path) -> KeyRing:
    words = [line.split() for line in path.read_text().splitlines() if line.strip()]
    encryption = tuple(word[1] for word in words if word[0] == "encrypt" and len(word) == 2)  # noqa: PLR2004 - a pair
    fingerprint = [word[1] for word in words if word[0] == "fingerprint" and len(word) == 2]  # noqa: PLR2004
    if not encryption or not fingerprint or not all(_is_key(key) for key in (*encryption, *fingerprint)):
        raise SystemFault(
            f"{path} holds no usable key: it needs lines `encrypt <key>` and `fingerprint <key>`. Put it back from a"
            " backup; without it no stored secret can be read."
        )
    return KeyRing(encryption, fingerprint[0])


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == _KEY_BYTES
    except ValueError:
        return False


def _write(path: Path, keys: KeyRing) -> None:
    replace_private(path, str(keys).encode())


def _new_ring() -> KeyRing:
    return KeyRing((_new_key(),), base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode())


def _new_key() -> str:
    return Fernet.generate_key().decode()
