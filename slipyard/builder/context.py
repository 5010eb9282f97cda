"""The tar that goes to BuildKit: the snapshot, or the part of it that the build may see."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from slipyard.builder import tar_writer
from slipyard.builder.dockerignore import IgnoreRules, parse_ignore_file
from slipyard.builder.image_build import Dockerfile
from slipyard.builder.snapshot import disk_fault
from slipyard.builder.snapshot_reader import Place, SnapshotReader
from slipyard.builder.tar_reader import REGULAR
from slipyard.domain.errors import SourceRefused

_MAXIMUM_RULES = 1024 * 1024
_MAXIMUM_DOCKERFILE = 1024 * 1024
_COPY = 1024 * 1024


@dataclass(frozen=True)
class BuildContext:
    """`dockerfile` carries its text where the tar does not hold it: because rules ignore it, or it lies elsewhere."""

    path: Path
    dockerfile: Dockerfile


async def filter_context(
    snapshot: Path, contexts: Path, subdirectory: str, dockerfile: Dockerfile, default_rules: Sequence[str] = ()
) -> BuildContext:
    """What BuildKit's own client would send: `subdirectory` as the root, without what `.dockerignore` names.

    The snapshot itself where nothing is left out, else `<contexts>/<hex>.tar`, named by snapshot, subdirectory and
    rules, so that the same context is the same bytes again. `default_rules` count where the tree has no rules.
    A `<Dockerfile>.dockerignore` comes before `.dockerignore`. `SourceRefused` for rules that cannot be read.
    """
    return await asyncio.to_thread(_filter, snapshot, contexts, subdirectory.strip("/"), dockerfile, default_rules)


def _filter(
    snapshot: Path, contexts: Path, subdirectory: str, dockerfile: Dockerfile, default_rules: Sequence[str]
) -> BuildContext:
    reader = SnapshotReader(snapshot)
    rules = _rules(reader, subdirectory, dockerfile, default_rules)
    places = _below(reader, subdirectory)
    kept = (
        IgnoreRules(rules).kept((path, place.is_directory) for path, place in places.items()) if rules else set(places)
    )
    sent = _reachable(reader, subdirectory, dockerfile, kept)
    if not subdirectory and len(kept) == len(places):
        return BuildContext(snapshot, sent)
    path = contexts / f"{_digest(snapshot, subdirectory, rules)}.tar"
    if not path.exists():
        _write(reader, {name: place for name, place in places.items() if name in kept}, path, moved=bool(subdirectory))
    return BuildContext(path, sent)


def _rules(
    reader: SnapshotReader, subdirectory: str, dockerfile: Dockerfile, default_rules: Sequence[str]
) -> Sequence[str]:
    own = [f"{dockerfile.path}.dockerignore"] if dockerfile.text is None else []
    for name in (_join(subdirectory, candidate) for candidate in [*own, ".dockerignore"]):
        if reader.is_file(name):
            return parse_ignore_file(reader.read(name, _MAXIMUM_RULES))
    return default_rules


def _below(reader: SnapshotReader, subdirectory: str) -> dict[str, Place]:
    if not subdirectory:
        return reader.places
    if not reader.is_directory(subdirectory):
        raise SourceRefused(f"There is no directory {subdirectory!r} in the source. Check the app's subdirectory.")
    start = f"{subdirectory}/"
    return {path[len(start) :]: place for path, place in reader.places.items() if path.startswith(start)}


def _reachable(reader: SnapshotReader, subdirectory: str, dockerfile: Dockerfile, kept: set[str]) -> Dockerfile:
    """The builder needs the Dockerfile though an image may not contain it: then it travels beside the tar.

    So does one behind a link, so that what is checked is what is built.
    """
    path = _join(subdirectory, dockerfile.path)
    place = reader.places.get(path)
    if dockerfile.text is not None or (dockerfile.path in kept and place is not None and place.kind == REGULAR):
        return dockerfile
    text = reader.read(path, _MAXIMUM_DOCKERFILE)
    return Dockerfile(dockerfile.path, text.decode(errors="replace"))


def _digest(snapshot: Path, subdirectory: str, rules: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([snapshot.stem, subdirectory, *rules]).encode()).hexdigest()


def _write(reader: SnapshotReader, places: dict[str, Place], path: Path, *, moved: bool) -> None:
    draft = path.with_name(f".{uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with reader.path.open("rb") as source, draft.open("xb") as output:
            if moved:
                _copy_renamed(source, output, places)
            else:
                _copy_runs(source, output, list(places.values()))
            output.write(tar_writer.END)
        draft.replace(path)
    except OSError as error:
        raise disk_fault(error, path.parent) from error
    finally:
        draft.unlink(missing_ok=True)


def _copy_runs(source: BinaryIO, output: BinaryIO, places: list[Place]) -> None:
    """Members that lie one behind the other go as one piece, headers and all."""
    places.sort(key=lambda place: place.start)
    start = end = 0
    for place in places:
        if place.start != end:
            _copy(source, output, start, end)
            start = place.start
        end = place.end
    _copy(source, output, start, end)


def _copy_renamed(source: BinaryIO, output: BinaryIO, places: dict[str, Place]) -> None:
    for name, place in places.items():
        full = name.encode() + (b"/" if place.is_directory else b"")
        output.write(tar_writer.header(full, place.kind, place.mode, place.size, place.link.encode()))
        _copy(source, output, place.offset, place.end)


def _copy(source: BinaryIO, output: BinaryIO, start: int, end: int) -> None:
    source.seek(start)
    while start < end and (piece := source.read(min(_COPY, end - start))):
        output.write(piece)
        start += len(piece)
    if start < end:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _join(directory: str, name: str) -> str:
    return os.path.normpath(f"{directory}/{name}" if directory else name)
