"""How full the disk is, and what of that is Slipyard's: its data directory, its images, the builder's cache."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from slipyard.domain.cleaning import DiskUse
from slipyard.pipeline.cleaning.survey import Survey

IMAGES, CACHE = "images", "build cache"


async def disk_use(survey: Survey) -> DiskUse:
    """Exact: this may take seconds, since engine and builder count."""
    context = survey.context
    total, used = await file_systems(survey)
    own = await asyncio.to_thread(_by_entry, context.layout.home)
    images = await survey.image_bytes()
    cache = (await context.image_builder.cache_use()).bytes
    return DiskUse(total, used, context.settings.disk_share, own | {IMAGES: images, CACHE: cache})


async def file_systems(survey: Survey) -> tuple[int, int]:
    """Bytes in all, and bytes in use, of those that the data directory and the engine's data lie on. At once."""
    root = await survey.context.engine.data_root()
    return await asyncio.to_thread(_file_systems, [survey.context.layout.home, Path(root or "/nowhere")])


def bytes_below(path: Path) -> int:
    """As the disk has them: a file with two names counts once for each, a hole not at all."""
    if not path.is_dir() or path.is_symlink():
        return _bytes_of(path)
    return sum(
        _bytes_of(Path(directory) / name) for directory, _, names in os.walk(path, onerror=None) for name in names
    )


def _bytes_of(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_blocks * 512
    return 0


def _by_entry(home: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in home.iterdir():
        name = entry.name if entry.is_dir() else "database" if entry.name.startswith("slipyard.db") else "other files"
        found[name] = found.get(name, 0) + bytes_below(entry)
    return found


def fill_of_disks(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Bytes in use and in all, of each disk that one of these lies on. Blocking."""
    found: dict[int, tuple[Path, tuple[int, int]]] = {}
    for path in paths:
        with suppress(OSError):
            disk = os.statvfs(path)
            total = disk.f_blocks * disk.f_frsize
            found[path.stat().st_dev] = (path, (total - disk.f_bavail * disk.f_frsize, total or 1))
    return dict(found.values())


def _file_systems(paths: Iterable[Path]) -> tuple[int, int]:
    """An engine elsewhere has a directory that is not here: its disk is not ours to judge."""
    seen: dict[int, os.statvfs_result] = {}
    for path in paths:
        with suppress(OSError):
            seen[path.stat().st_dev] = os.statvfs(path)
    total = sum(each.f_blocks * each.f_frsize for each in seen.values())
    return total, total - sum(each.f_bavail * each.f_frsize for each in seen.values())
