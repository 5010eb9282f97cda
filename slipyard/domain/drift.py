"""Drift: what of a container is not as its release says, field by field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

ENV, LABEL = "env.", "label."


class Repair(StrEnum):
    """What it takes to put a field right."""

    LIMIT = "limit"  # the engine changes it on the running container
    RENAME = "rename"
    CONNECT = "connect"  # to its network, and away from others
    POLICY = "policy"  # whether the engine starts it again
    REPLACE = "replace"  # a new instance takes over


_IN_PLACE = {
    "name": Repair.RENAME,
    "network": Repair.CONNECT,
    "restart policy": Repair.POLICY,
    "cpu": Repair.LIMIT,
    "cpu shares": Repair.LIMIT,
    "memory": Repair.LIMIT,
    "memory and swap": Repair.LIMIT,
    "processes": Repair.LIMIT,
}


@dataclass(frozen=True)
class Difference:
    """Both values as texts for people; None where the field is not there. Values of the environment are never told."""

    field: str
    wanted: str | None
    found: str | None

    @property
    def repair(self) -> Repair:
        return _IN_PLACE.get(self.field, Repair.REPLACE)

    def __str__(self) -> str:
        if self.wanted is None:
            return f"{self.field} was added ({self.found})" if self.found else f"{self.field} was added"
        if self.found is None:
            return (
                f"{self.field} is missing (it should be {self.wanted})" if self.wanted else f"{self.field} is missing"
            )
        if self.field.startswith(ENV):
            return f"{self.field} has another value"
        return f"{self.field} is {self.found} instead of {self.wanted}"

    def shown(self) -> dict[str, str | None]:
        return {"field": self.field, "wanted": self.wanted, "found": self.found}


def differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[Difference]:
    """Of two descriptions of one container, in which a field that is empty is left out; in the order of `wanted`."""
    names = [*wanted, *sorted(found.keys() - wanted.keys())]
    return [
        _difference(name, wanted.get(name), found.get(name)) for name in names if wanted.get(name) != found.get(name)
    ]


def sentence(found: Iterable[Difference]) -> str:
    return "; ".join(map(str, found))


def _difference(name: str, wanted: str | None, found: str | None) -> Difference:
    if not name.startswith(ENV):
        return Difference(name, wanted, found)
    return Difference(name, None if wanted is None else "", None if found is None else "")
