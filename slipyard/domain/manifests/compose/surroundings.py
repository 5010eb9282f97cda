"""What a service of a compose file may refer to beside itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from slipyard.domain.manifests.compose.filled import Variables
from slipyard.domain.manifests.compose.place import Place


@dataclass(frozen=True)
class Surroundings:
    """What a service may refer to. `file` gives the text of a file of the repository, None where there is none."""

    variables: Variables
    file: Callable[[str], str | None]
    directory: str = ""
    services: frozenset[str] = frozenset()
    volumes: set[str] = field(default_factory=set)
    secrets: dict[str, str] = field(default_factory=dict)


def is_required(place: Place) -> bool:
    child = place.get("required")
    return child is None or child.truth()
