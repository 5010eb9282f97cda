"""Passwords that visitors are asked for: hashed as they come in, and known by a fingerprint from then on."""

import asyncio
from collections.abc import Sequence

import bcrypt

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.route_document import AccountEntry
from slipyard.domain.route_rules import Account, RouteRules
from slipyard.store.cipher import Cipher

_ROUNDS = 10  # the router checks each password once and remembers it; every wrong one costs it this work
_MOST_BYTES = 72  # bcrypt reads no further


async def hashed(entries: Sequence[AccountEntry]) -> list[AccountEntry]:
    """The same with hashes for passwords."""
    return [each if each.password is None else await asyncio.to_thread(_hashed, each) for each in entries]


def accounts(entries: Sequence[AccountEntry], held: RouteRules, cipher: Cipher) -> tuple[Account, ...]:
    """`held`: whose passwords the fingerprints mean."""
    kept = {(each.username, fingerprint(each, cipher)): each for each in held.basic_auth}
    return tuple(_account(entry, kept) for entry in entries)


def fingerprint(account: Account, cipher: Cipher) -> str:
    return cipher.fingerprint(account.password_hash.encode())


def shown(rules: RouteRules, cipher: Cipher) -> list[AccountEntry]:
    return [
        AccountEntry(username=each.username, password_fingerprint=fingerprint(each, cipher))
        for each in rules.basic_auth
    ]


def _hashed(entry: AccountEntry) -> AccountEntry:
    password = (entry.password or "").encode()
    if len(password) > _MOST_BYTES or b"\0" in password:
        raise _refused(entry.username, f"is longer than {_MOST_BYTES} bytes. Choose a shorter one")
    return AccountEntry(
        username=entry.username, password_hash=bcrypt.hashpw(password, bcrypt.gensalt(_ROUNDS)).decode()
    )


def _account(entry: AccountEntry, kept: dict[tuple[str, str], Account]) -> Account:
    if entry.password_hash is not None:
        return Account(username=entry.username, password_hash=entry.password_hash)
    found = kept.get((entry.username, entry.password_fingerprint or ""))
    if found is None:
        raise _refused(entry.username, "is not the one that this fingerprint is of. Give the password itself")
    return found


def _refused(username: str, why: str) -> ValidationFailed:
    return ValidationFailed(
        f"The password of {username} {why}.", details=[FieldProblem("basic_auth", f"password of {username}")]
    )
