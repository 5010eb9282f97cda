"""An installation for one benchmark, in a directory of its own, with a place for what it works on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.installation import Installation, purge_installation, start_installation


@contextmanager
def own_installation() -> Iterator[tuple[Installation, Path]]:
    with tempfile.TemporaryDirectory(prefix="slipyard-benchmark-") as directory:
        installation = start_installation(Path(directory) / "home")
        try:
            yield installation, Path(directory) / "work"
        finally:
            purge_installation(installation)
