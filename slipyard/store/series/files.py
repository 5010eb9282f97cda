"""Which series an app has, by the names of their files; and which of them go."""

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from slipyard.store.series.ring import COARSE

Kind = Literal["service", "instance"]
_USAGE, _TRAFFIC = ".usage", ".traffic"
MOST_INSTANCES = 64  # of an app; those that were there last


@dataclass(frozen=True)
class Measured:
    """What a series is about: a service by its name, or an instance by its id."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class SeriesFiles:
    """Of all apps. Blocking."""

    root: Path

    def usage(self, app_id: str, measured: Measured) -> Path:
        return self._path(app_id, measured, _USAGE)

    def traffic(self, app_id: str, measured: Measured) -> Path:
        return self._path(app_id, measured, _TRAFFIC)

    def of_app(self, app_id: str) -> list[Measured]:
        """Services first, by name."""
        found = {_measured(path) for path in (self.root / app_id).glob("*") if path.suffix in {_USAGE, _TRAFFIC}}
        return sorted(found, key=lambda measured: (measured.kind == "instance", measured.name))

    def forget_app(self, app_id: str) -> None:
        shutil.rmtree(self.root / app_id, ignore_errors=True)

    def prune(self, app_ids: Collection[str]) -> None:
        """Leaves the apps named, of each the newest instances, and nothing that nobody wrote to for 30 days."""
        for directory in self.root.iterdir() if self.root.exists() else ():
            if not directory.is_dir():
                continue
            if directory.name not in app_ids:
                shutil.rmtree(directory, ignore_errors=True)
            else:
                _prune_app(directory)

    def _path(self, app_id: str, measured: Measured, suffix: str) -> Path:
        return self.root / app_id / f"{measured.kind}-{quote(measured.name, safe='')}{suffix}"


def _measured(path: Path) -> Measured:
    kind, _, name = path.stem.partition("-")
    return Measured("instance" if kind == "instance" else "service", unquote(name))


def _prune_app(directory: Path) -> None:
    by_age = sorted(((_written(path), path) for path in directory.iterdir()), reverse=True)
    instances = [path for _, path in by_age if path.name.startswith("instance-")]
    oldest = time.time() - COARSE.seconds
    for path in {path for at, path in by_age if at < oldest} | set(instances[MOST_INSTANCES:]):
        path.unlink(missing_ok=True)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
