"""What two configurations differ in. Of secrets only that they differ is told."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from slipyard.domain.configuration import Configuration, EntryKind, VersionEntry
from slipyard.domain.values import Value

Change = Literal["added", "removed", "changed"]
Key = TypeVar("Key")


class Difference(Value):
    """Fingerprints on both sides, None where it is not there."""

    kind: EntryKind
    name: str
    change: Change
    before: str | None = None
    after: str | None = None


def changed_names(before: Configuration, after: Configuration) -> set[tuple[str, str]]:
    """As (kind, name)."""
    return {
        *(("variable", name) for name in _unequal(before.env, after.env)),
        *(("secret", name) for name in _unequal(before.secrets, after.secrets)),
    }


def differences(before: list[VersionEntry], after: list[VersionEntry]) -> list[Difference]:
    """Variables first, each kind by name."""
    old = {(entry.kind, entry.name): entry.fingerprint for entry in before}
    new = {(entry.kind, entry.name): entry.fingerprint for entry in after}
    found = sorted(_unequal(old, new), key=lambda key: (key[0] != "variable", key[1]))
    return [_difference(kind, name, old.get((kind, name)), new.get((kind, name))) for kind, name in found]


def _difference(kind: EntryKind, name: str, before: str | None, after: str | None) -> Difference:
    change: Change = "added" if before is None else "removed" if after is None else "changed"
    return Difference(kind=kind, name=name, change=change, before=before, after=after)


def _unequal(one: Mapping[Key, object], other: Mapping[Key, object]) -> set[Key]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
