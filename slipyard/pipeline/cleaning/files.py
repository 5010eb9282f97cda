"""Trees, contexts and logs: files that a row leads to stay, and what no name of ours explains."""

import asyncio
import re
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from slipyard.domain.cleaning import CONTEXTS, LOGS, SNAPSHOTS, CleaningItem
from slipyard.pipeline.cleaning.finding import Finding, Remove
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.store.queries.retention import build_logs_to_keep, deployment_logs_to_keep, snapshots_to_keep

_YOUNG_SECONDS = 3600.0  # what is being written now is in no row yet
_TAR = re.compile(r"[0-9a-f]{64}\.tar|\.[0-9a-f]{32}\.partial")
_BUILD_LOG, _DEPLOYMENT_LOG = re.compile(r"bld_[0-9a-z]+\.log"), re.compile(r"dep_[0-9a-z]+\.log")


@dataclass(frozen=True)
class _Directory:
    """`ours` are the names that we give there; of them `keep` are the stems that something needs."""

    kind: str
    path: Path
    ours: re.Pattern[str]
    keep: AbstractSet[str]
    needed_by: str
    unneeded: str


@dataclass(frozen=True)
class _File:
    path: Path
    bytes: int
    touched_at: float


async def look_at_files(survey: Survey) -> list[Finding]:
    """By the clock of the files: only what nobody has touched for an hour may go."""
    directories = await _directories(survey)
    return [finding for each in directories for finding in await asyncio.to_thread(_sorted, each)]


async def _directories(survey: Survey) -> list[_Directory]:
    layout, keep = survey.context.layout, survey.context.settings.keep_releases
    read = survey.context.database.reading
    trees = {digest.removeprefix("sha256:") for digest in await read(lambda session: snapshots_to_keep(session, keep))}
    builds = await read(lambda session: build_logs_to_keep(session, keep))
    deployments = await read(deployment_logs_to_keep)
    wanted, old = (
        "Releases that may be deployed, and redeploys, need them.",
        "No release that may be deployed needs them.",
    )
    recent, past = "Of the newest builds and deployments, and of kept releases.", "Newer ones took their place."
    again = "Made again by the next build that needs them."
    return [
        _Directory(SNAPSHOTS, layout.snapshots, _TAR, trees, wanted, old),
        _Directory(CONTEXTS, layout.contexts, _TAR, frozenset(), wanted, again),
        _Directory(LOGS, layout.build_log("x").parent, _BUILD_LOG, builds, recent, past),
        _Directory(LOGS, layout.deployment_log("x").parent, _DEPLOYMENT_LOG, deployments, recent, past),
    ]


def _sorted(directory: _Directory) -> list[Finding]:
    oldest = time.time() - _YOUNG_SECONDS
    groups: dict[str, list[_File]] = {}
    for file in _files(directory.path):
        groups.setdefault(_why_kept(directory, file, oldest), []).append(file)
    leaving = groups.pop("", [])
    kept = [Finding(_item(directory, why, files, removable=False)) for why, files in groups.items()]
    if not leaving:
        return kept
    item = _item(directory, directory.unneeded, leaving, removable=True)
    return [Finding(item, _removal(leaving)), *kept]


def _why_kept(directory: _Directory, file: _File, oldest: float) -> str:
    """Empty for what may go."""
    if not directory.ours.fullmatch(file.path.name):
        return "No name that Slipyard gives: it is not its to remove."
    if file.path.stem in directory.keep:
        return directory.needed_by
    return "Touched within the last hour." if file.touched_at >= oldest else ""


def _files(directory: Path) -> Iterable[_File]:
    for path in directory.glob("*") if directory.exists() else ():
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        if path.is_file():
            yield _File(path, status.st_size, status.st_mtime)


def _item(directory: _Directory, why: str, files: list[_File], *, removable: bool) -> CleaningItem:
    size = sum(file.bytes for file in files)
    return CleaningItem(directory.kind, str(directory.path), why, removable, bytes=size, count=len(files))


def _removal(files: list[_File]) -> Remove:
    """What was touched since it was looked at stays."""

    def remove() -> int:
        freed = 0
        for file in files:
            if file.path.exists() and file.path.stat().st_mtime == file.touched_at:
                file.path.unlink(missing_ok=True)
                freed += file.bytes
        return freed

    async def in_a_thread() -> int:
        return await asyncio.to_thread(remove)

    return in_a_thread
