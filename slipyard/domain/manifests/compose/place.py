"""Where something stands in a compose file, what it says there, and how that is refused or read as a type."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from slipyard.domain.errors import SourceRefused
from slipyard.domain.manifests.yaml_document import Document, Path

_TRUE, _FALSE = {"true", "yes", "on", "y"}, {"false", "no", "off", "n"}


@dataclass(frozen=True)
class Place:
    """A value of the file after variables were filled in. Texts stand for numbers and booleans: variables hold texts."""

    document: Document
    path: Path
    value: Any
    warnings: list[str] = field(repr=False)

    @property
    def name(self) -> str:
        return ".".join(map(str, self.path)) or "the file"

    def refusal(self, sentence: str) -> SourceRefused:
        return self.document.refusal(self.path, f"{self.name} {sentence}")

    def warn(self, sentence: str) -> None:
        self.warnings.append(f"{self.document.file} line {self.document.line(self.path)}: {self.name} {sentence}")

    def child(self, key: str | int) -> "Place":
        return Place(self.document, (*self.path, key), self.value[key], self.warnings)

    def get(self, key: str) -> "Place | None":
        """None where it is not there, or says null."""
        return self.child(key) if isinstance(self.value, dict) and self.value.get(key) is not None else None

    def mapping(self) -> Iterator[tuple[str, "Place"]]:
        if not isinstance(self.value, dict):
            raise self.refusal("is a mapping: keys and values.")
        for key in self.value:
            yield key, self.child(key)

    def sequence(self) -> Iterator["Place"]:
        if not isinstance(self.value, list):
            raise self.refusal("is a list.")
        for place in range(len(self.value)):
            yield self.child(place)

    def text(self) -> str:
        if isinstance(self.value, (dict, list, type(None))):
            raise self.refusal("is a text.")
        return self.document.text(self.path, self.value)

    def integer(self) -> int:
        try:
            return int(self.text())
        except ValueError as error:
            raise self.refusal("is a whole number.") from error

    def number(self) -> float:
        try:
            return float(self.text())
        except ValueError as error:
            raise self.refusal("is a number.") from error

    def truth(self) -> bool:
        word = self.text().lower()
        if word not in _TRUE | _FALSE:
            raise self.refusal("is true or false.")
        return word in _TRUE

    def only(self, known: frozenset[str] | set[str]) -> None:
        """Refuses every other key but the `x-` of others."""
        for key, place in self.mapping():
            if key not in known and not key.startswith("x-"):
                raise place.refusal("means nothing to Slipyard. Take it out, or see docs/compose.md for what counts.")
