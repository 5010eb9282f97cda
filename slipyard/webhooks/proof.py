"""How a delivery proves who sends it. Every comparison is on bytes and in constant time; an empty secret proves nothing.

`header` (lower case) is where a proof is looked for, and nowhere else; `also_reads` names what is signed beside the body.
Where `reads_body` is false, who is wrong is refused before a byte of the body is read. Where `binds_id` is false, an old
body under a new id still proves well.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

Headers = Mapping[str, str]
PATH_SECRET = "slipyard-path-secret"  # noqa: S105 - the name of a header of ours, which nobody can send
SIGNING_KEY = "whsec_"


@dataclass(frozen=True)
class Signature:
    """Hexadecimal HMAC-SHA256 over the raw body, behind `prefix`; without one, `sha256=` may stand there."""

    header: str
    prefix: str = ""
    also_reads: ClassVar[tuple[str, ...]] = ()
    reads_body: ClassVar[bool] = True
    binds_id: ClassVar[bool] = False

    def holds(self, secret: bytes, headers: Headers, body: bytes) -> bool:
        given = headers.get(self.header, "")
        if not secret or not given.startswith(self.prefix):
            return False
        expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
        return _same(given.removeprefix(self.prefix or "sha256="), expected.encode())


@dataclass(frozen=True)
class StandardSignature:
    """Standard Webhooks: base64 HMAC-SHA256 over `id.timestamp.body`. The id is signed and kept, so age proves nothing more."""

    header: str = "webhook-signature"
    also_reads: ClassVar[tuple[str, ...]] = ("webhook-id", "webhook-timestamp")
    reads_body: ClassVar[bool] = True
    binds_id: ClassVar[bool] = True

    def holds(self, secret: bytes, headers: Headers, body: bytes) -> bool:
        key = _signing_key(secret)
        name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not key or not name or not moment:
            return False
        signed = hmac.new(key, f"{name}.{moment}.".encode(errors="replace"), hashlib.sha256)
        signed.update(body)
        expected = b"v1," + base64.b64encode(signed.digest())
        return any(_same(given, expected) for given in headers.get(self.header, "").split(" ")[:10])


@dataclass(frozen=True)
class Token:
    """The secret itself in a header, behind `prefix`."""

    header: str
    prefix: str = ""
    also_reads: ClassVar[tuple[str, ...]] = ()
    reads_body: ClassVar[bool] = False
    binds_id: ClassVar[bool] = True  # nothing is signed: whoever knows the token may say anything anew

    def holds(self, secret: bytes, headers: Headers, body: bytes) -> bool:  # noqa: ARG002 - as every proof
        given = headers.get(self.header, "")
        return bool(secret) and given.startswith(self.prefix) and _same(given.removeprefix(self.prefix), secret)


@dataclass(frozen=True)
class Basic:
    """The secret as the password of HTTP Basic, under any user name."""

    header: str = "authorization"
    also_reads: ClassVar[tuple[str, ...]] = ()
    reads_body: ClassVar[bool] = False
    binds_id: ClassVar[bool] = True

    def holds(self, secret: bytes, headers: Headers, body: bytes) -> bool:  # noqa: ARG002 - as every proof
        scheme, _, encoded = headers.get(self.header, "").partition(" ")
        try:
            _, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        right = hmac.compare_digest(password, secret)
        return bool(secret) and right and scheme.lower() == "basic" and bool(colon)


Proof = Signature | StandardSignature | Token | Basic


def _signing_key(secret: bytes) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SIGNING_KEY.encode()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _same(given: str, expected: bytes) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected)
