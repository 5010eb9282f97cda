"""Identifiers: `<kind>_<26 lower-case base32 ULID>`, sortable by time of making."""

import re
from typing import Literal

from ulid import ULID

Kind = Literal[
    "app",
    "org",
    "prj",
    "bld",
    "rel",
    "dep",
    "ins",
    "psh",
    "evt",
    "tok",
    "hok",
    "dlv",
    "img",
    "lgn",
    "req",
    "clm",
    "crd",  # git credential
    "con",  # connection to a code host
    "ntf",  # notifier
    "drn",  # log drain
    "alr",  # alert
    "msg",  # message in the outbox
    "prv",  # preview
    "cit",  # CI trust
    "run",  # one-off command
    "sst",  # secret store
    "dom",
    "reg",
    "sch",
    "srn",  # domain of an app
    "vol",  # volume
    "bak",  # backup of a volume
    "bkt",  # place for backups
]

_PATTERN = re.compile(r"[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}")


def new_id(kind: Kind) -> str:
    return f"{kind}_{str(ULID()).lower()}"


def is_id(text: str, kind: Kind | None = None) -> bool:
    return bool(_PATTERN.fullmatch(text)) and (kind is None or text.startswith(f"{kind}_"))


def short_id(identifier: str) -> str:
    """The last 8 characters: the random end of the ULID, enough to tell apps apart in a host name."""
    return identifier[-8:]
