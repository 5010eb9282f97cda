"""`slipyard cp`: files into an instance and out of it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from slipyard.cli.client import connect, segment
from slipyard.cli.copied_files import pack, unpack
from slipyard.cli.failure import WrongUsage

app = typer.Typer()
_PIECE = 256 * 1024
_IN_MEMORY = 16 * 1024 * 1024


@app.command()
def cp(
    source: Annotated[str, typer.Argument(help="APP:/path, or a file or directory here.")],
    target: Annotated[str, typer.Argument(help="The other one. A path that ends in / is a directory to copy into.")],
    *,
    instance: Annotated[
        str | None, typer.Option("--instance", help="Id of an instance; default one that serves.")
    ] = None,
) -> None:
    """Copy files between here and an instance. They go with it; what lasts belongs into a volume."""
    there, here = _remote(source), _remote(target)
    if (there is None) == (here is None):
        raise WrongUsage("One of both is APP:/path, and the other one is here.")
    if there is not None:
        _out(*there, Path(target), instance)
    elif here is not None:
        _in(Path(source), *here, instance)


def _out(app: str, path: str, target: Path, instance: str | None) -> None:
    query = {"path": path, "instance": instance}
    with connect().stream(f"/apps/{segment(app)}/files", "application/x-tar", {}, **query) as answer:
        unpack(answer.iter_bytes(), target)


def _in(source: Path, app: str, path: str, instance: str | None) -> None:
    if not source.exists():
        raise WrongUsage(f"There is no {source} here.")
    place = PurePosixPath(path)
    directory, name = (str(place), source.resolve().name) if path.endswith("/") else (str(place.parent), place.name)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as packed:
        pack(source, name, packed)
        packed.seek(0)
        content: Iterator[bytes] = iter(lambda: packed.read(_PIECE), b"")
        query = {"path": directory, "instance": instance}
        done = connect().upload(f"/apps/{segment(app)}/files", content, "application/x-tar", method="PUT", **query)
    print(done["message"])


def _remote(word: str) -> tuple[str, str] | None:
    """`shop:/path`; a path here may hold a colon after a slash."""
    name, colon, path = word.partition(":")
    return (name, path) if colon and path.startswith("/") and "/" not in name else None
