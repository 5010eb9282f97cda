"""A browser that was let in by a one-time link: a sealed cookie that names its token, good for a week.

There is no table of sessions: the cookie is encrypted and authenticated with the installation's key, and revoking the
token ends every session that came from it.
"""

import json
from datetime import datetime, timedelta

from fastapi import Response

from slipyard.domain.errors import SlipyardError
from slipyard.store.cipher import Cipher

COOKIE = "slipyard_session"
LIFETIME = timedelta(days=7)


def set_session(response: Response, cipher: Cipher, token_id: str, now: datetime, *, secure: bool) -> None:
    sealed = cipher.encrypt(json.dumps({"token": token_id, "until": (now + LIFETIME).timestamp()}).encode())
    response.set_cookie(
        COOKIE,
        sealed.decode("ascii"),
        max_age=int(LIFETIME.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
    )


def token_in_cookie(cipher: Cipher, cookie: str, now: datetime) -> str | None:
    """None for a cookie that is not ours, was changed, or is too old."""
    try:
        found = json.loads(cipher.decrypt(cookie.encode("ascii", errors="replace")))
    except (SlipyardError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("until", 0) < now.timestamp():
        return None
    return str(found.get("token"))
