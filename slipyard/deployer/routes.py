"""The routes of all apps as directories, and the one rename that switches an app's traffic."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipyard.deployer.route_files import canonical, check_app_id, check_route, read_generation, write_generation
from slipyard.deployer.router import Route
from slipyard.domain.errors import Conflict

CURRENT = "current"
_NEXT = ".next"


class Routes:
    """Blocking: call it in a thread. One lock for all apps, across processes: a switch holds it for about a millisecond."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def switch(self, route: Route) -> None:
        check_route(route)
        with self._locked():
            before = self.current(route.app_id)
            if before == canonical(route):
                return
            self._refuse_older(before, route)
            self._write(route)
            self._point(route)
            self._prune(route, before)

    def current(self, app_id: str) -> Route | None:
        """None where nothing was ever switched, and where the files are not whole: then any generation may follow."""
        check_app_id(app_id)
        try:
            generation = (self._directory / app_id / CURRENT).readlink()
        except OSError:
            return None
        return read_generation(self._directory / app_id / generation.name, app_id)

    def forget(self, app_id: str) -> None:
        check_app_id(app_id)
        with self._locked():
            shutil.rmtree(self._directory / app_id, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _refuse_older(self, before: Route | None, route: Route) -> None:
        if before is not None and route.generation <= before.generation:
            raise Conflict(
                f"The route of {route.app_id} is at generation {before.generation} already, so generation "
                f"{route.generation} comes too late. Read the route again and decide anew."
            )

    def _write(self, route: Route) -> None:
        """What a killed writer or a power cut left under this number goes first."""
        directory = self._generation(route)
        shutil.rmtree(directory, ignore_errors=True)
        write_generation(directory, route)

    def _point(self, route: Route) -> None:
        fresh, current = (self._directory / route.app_id / name for name in (_NEXT, CURRENT))
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(str(route.generation))
        if current.is_dir() and not current.is_symlink():  # by hand: a rename does not replace it
            shutil.rmtree(current)
        fresh.rename(current)

    def _prune(self, route: Route, before: Route | None) -> None:
        """A request that read the link before the rename still finds the generation before."""
        keep = {str(route.generation), str(before.generation) if before else ""}
        with os.scandir(self._directory / route.app_id) as entries:
            old = [entry.path for entry in entries if entry.name.isdecimal() and entry.name not in keep]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)

    def _generation(self, route: Route) -> Path:
        return self._directory / route.app_id / str(route.generation)
