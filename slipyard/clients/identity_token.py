"""Whether an identity token is what it says: signature, issuer and times (RFC 7519, RFC 8725).

Importing PyJWT costs 5 MiB, so this module is loaded by the first token that comes, not by every part at its start.
"""

from collections.abc import Mapping
from typing import Any

import jwt

from slipyard.domain.errors import Unauthorized

ALGORITHMS = ("RS256", "ES256")
_LEEWAY_SECONDS = 30.0
_REQUIRED = ["exp", "iat", "iss", "aud"]
_LEAST_RSA_BITS = 2048


def verified_claims(token: str, key: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """The claims. `Unauthorized` with the reason. Whom the token is for is left to who knows what was agreed."""
    try:
        algorithm = _algorithm(jwt.get_unverified_header(token), key)
        claims: dict[str, Any] = jwt.decode(
            token,
            _public_key(key, algorithm),
            algorithms=[algorithm],
            issuer=issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED, "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Unauthorized(f"This identity token is not accepted: {error}.") from error
    return claims


def _algorithm(header: Mapping[str, Any], key: Mapping[str, Any]) -> str:
    """The header's, where the key is of that kind: a token never chooses what it is checked with."""
    algorithm = header.get("alg")
    kind = {"RS256": ("RSA", None), "ES256": ("EC", "P-256")}.get(str(algorithm))
    fits = kind == (key.get("kty"), key.get("crv")) and key.get("alg") in {None, algorithm}
    if not fits or key.get("use") not in {None, "sig"} or "crit" in header:
        raise Unauthorized(f"Identity tokens are signed with {' or '.join(ALGORITHMS)}, by a key that is made for it.")
    return str(algorithm)


def _public_key(key: Mapping[str, Any], algorithm: str) -> Any:
    public = jwt.PyJWK(dict(key), algorithm).key
    if getattr(public, "key_size", 0) < _LEAST_RSA_BITS and algorithm == "RS256":
        raise Unauthorized(f"The key of this identity token has fewer than {_LEAST_RSA_BITS} bits.")
    return public
