"""A compose file with its variables filled in, but for those of services: they are filled in for each release.

A variable elsewhere is read when the image is built. It may not be a secret: arguments, image names and labels are
seen by everybody who sees the app.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from slipyard.domain.interpolation import BadInterpolation, blank_in, interpolate
from slipyard.domain.manifests.yaml_document import Document, Path
from slipyard.domain.references import has_reference

_NEXT = "Set variables with `slipyard env set`, or change it here."
_SERVICE_DEPTH = 3  # services, its name, environment


@dataclass(frozen=True)
class Variables:
    """What the app was told: values that may be shown, and the names of secrets."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    secrets: AbstractSet[str] = frozenset()

    def open(self, name: str) -> str | None:
        if name in self.secrets:
            raise BadInterpolation(f"uses the secret {name}, which may only stand in `environment`")
        value = self.values.get(name)
        if value is not None and has_reference(value):
            raise BadInterpolation(f"uses {name}, which refers to something else and may only stand in `environment`")
        return value

    def any(self, name: str) -> str | None:
        """A value is known when the release is made; until then whether there is one."""
        return "set" if name in self.secrets else self.values.get(name)


NO_VARIABLES = Variables()


def filled(document: Document, variables: Variables, warnings: list[str]) -> Any:
    """The whole tree. `SourceRefused` with the line for what cannot be read, or is required and not there."""
    return _Filling(document, variables, warnings).value(document.value, ())


@dataclass(frozen=True)
class _Filling:
    document: Document
    variables: Variables
    warnings: list[str]

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self.value(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, (*path, place)) for place, each in enumerate(value)]
        return self._text(value, path) if isinstance(value, str) else value

    def _text(self, text: str, path: Path) -> str:
        later = len(path) > _SERVICE_DEPTH and path[0] == "services" and path[2] == "environment"
        lookup = self.variables.any if later else self.variables.open
        try:
            for name in sorted(blank_in(text, lookup)):
                self.warnings.append(f"{self._where(path)} uses {name}, which is not set: it is empty there.")
            done = interpolate(text, lookup)
        except BadInterpolation as error:
            raise self.document.refusal(path, f"{'.'.join(map(str, path))} {error}. {_NEXT}") from error
        return text if later else done

    def _where(self, path: Path) -> str:
        return f"{self.document.file} line {self.document.line(path)}: {'.'.join(map(str, path))}"
