"""How far a log drain is: a small file for each, replaced as a whole. It changes with every batch, so it is no row."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass
class DrainProgress:
    """`dropped` for lack of room, `refused` by the receiver. `positions`: by instance the time of the last line sent."""

    sent: int = 0
    dropped: int = 0
    refused: int = 0
    last_error: str | None = None
    positions: dict[str, str] = field(default_factory=dict)

    def position(self, instance_id: str) -> datetime | None:
        found = self.positions.get(instance_id)
        return None if found is None else datetime.fromisoformat(found)


def read_progress(directory: Path, drain_id: str) -> DrainProgress:
    """Blocking. One that is torn, or not there, is one that begins."""
    with suppress(OSError, ValueError, TypeError):
        return DrainProgress(**json.loads((directory / f"{drain_id}.json").read_text()))
    return DrainProgress()


def write_progress(directory: Path, drain_id: str, progress: DrainProgress) -> None:
    """Blocking."""
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / f"{drain_id}.new"
    draft.write_text(json.dumps(asdict(progress)))
    draft.replace(directory / f"{drain_id}.json")


def forget_progress(directory: Path, drain_id: str) -> None:
    (directory / f"{drain_id}.json").unlink(missing_ok=True)
