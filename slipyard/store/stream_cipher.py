"""Streams of any length, sealed: AES-256-GCM in chunks, so that nothing is given out that was not proven.

A header, then chunks. Header: `SLYSEAL1`, 8 bytes of the key's id, 16 random bytes of salt; the key of a stream comes from
the installation's by HKDF-SHA256 with that salt. Chunk n: its length sealed (4 bytes, big endian), then AES-256-GCM with
the nonce n (11 bytes, big endian) and one byte that is 1 for the last chunk alone, and with the header as associated data.
So a stream that was cut, put together anew, or is another one does not open (the STREAM construction of Hoang, Reyhanitabar,
Rogaway and Vizar, 2015).
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from slipyard.domain.errors import SourceRefused

MAGIC = b"SLYSEAL1"
CHUNK = 1024 * 1024
_KEY_BYTES, _ID_BYTES, _SALT_BYTES, _TAG = 32, 8, 16, 16
_LENGTH = 4
_HEADER = len(MAGIC) + _ID_BYTES + _SALT_BYTES
_PURPOSE = b"slipyard: backups"
Read = Callable[[int], bytes]


@dataclass(frozen=True)
class StreamKey:
    """The same through rotations of `secret.key`: what was sealed years ago must open."""

    key: bytes = field(repr=False)

    @classmethod
    def derived_from(cls, secret: bytes) -> "StreamKey":
        return cls(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(secret))

    @property
    def id(self) -> str:
        """16 hex digits, which say nothing of it."""
        return hashlib.sha256(b"id of " + self.key).hexdigest()[: 2 * _ID_BYTES]

    def of_stream(self, salt: bytes) -> AESGCM:
        return AESGCM(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=_PURPOSE).derive(self.key))


class Sealer:
    """`feed` gives what is ready, `finish` the rest: without that the stream does not open."""

    def __init__(self, key: StreamKey) -> None:
        salt = os.urandom(_SALT_BYTES)
        self._header = MAGIC + bytes.fromhex(key.id) + salt
        self._sealing = key.of_stream(salt)
        self._number = 0
        self._waiting = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        self._waiting += data
        sealed = bytearray(self._start())
        while len(self._waiting) > CHUNK:
            sealed += self._chunk(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return bytes(sealed)

    def finish(self) -> bytes:
        return self._start() + self._chunk(bytes(self._waiting), last=True)

    def _start(self) -> bytes:
        begun, self._begun = self._begun, True
        return b"" if begun else self._header

    def _chunk(self, data: bytes, *, last: bool) -> bytes:
        sealed = self._sealing.encrypt(_nonce(self._number, last=last), data, self._header)
        self._number += 1
        return len(sealed).to_bytes(_LENGTH) + sealed


class Opener:
    """Reads a sealed stream. `SourceRefused` where the key is another one, or a byte of it was changed, lost or added."""

    def __init__(self, read: Read, key: StreamKey) -> None:
        self._read = read
        header = self._exactly(_HEADER)
        if header[: len(MAGIC)] != MAGIC:
            raise SourceRefused("This is no sealed backup. Give one as Slipyard wrote it.")
        sealed_with = header[len(MAGIC) : len(MAGIC) + _ID_BYTES].hex()
        if sealed_with != key.id:
            raise SourceRefused(
                f"This backup was sealed with the key {sealed_with}, and this installation has {key.id}. Open it with the"
                " secret.key of the installation that made it."
            )
        self._header = header
        self._opening = key.of_stream(header[-_SALT_BYTES:])
        self._number = 0
        self._opened = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        while not self._opened and not self._ended:
            self._opened = self._next()
        data, self._opened = self._opened[:size], self._opened[size:]
        return data

    def _next(self) -> bytes:
        """Which chunk is the last one, its own proof says: nothing may follow it."""
        length = int.from_bytes(self._exactly(_LENGTH))
        if not _TAG <= length <= CHUNK + _TAG:
            raise _damaged()
        sealed = self._exactly(length)
        try:
            data = self._opening.decrypt(_nonce(self._number, last=False), sealed, self._header)
        except InvalidTag:
            data = self._last(sealed)
        self._number += 1
        return data

    def _last(self, sealed: bytes) -> bytes:
        try:
            data = self._opening.decrypt(_nonce(self._number, last=True), sealed, self._header)
        except InvalidTag:
            raise _damaged() from None
        if self._read(1):
            raise _damaged()
        self._ended = True
        return data

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._read(size - len(data))
            if not piece:
                raise _damaged()
            data += piece
        return bytes(data)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _damaged() -> SourceRefused:
    return SourceRefused("The sealed backup is damaged, or breaks off before its end. Use another one.")
