"""The parts of Slipyard by name, and their entry points as strings: the layers above cli's own are not imported here."""

import functools
import gc
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from slipyard.domain.errors import NotFound
from slipyard.domain.settings import Settings

WORKER = "worker-"  # and a number
_API = "slipyard.api.serve:main"
_SERVE = "slipyard.api.serve:serve"
_LEAD = "slipyard.controller.lead:lead"
_WORKER = "slipyard.pipeline.worker:main"
_CONTROLLER = "slipyard.controller.lead:main"


@dataclass(frozen=True)
class Part:
    """`entry` is called with `arguments`, and with what the names in `beside` stand for."""

    name: str
    entry: str
    arguments: Sequence[str] = ()
    beside: Sequence[str] = ()

    def load(self) -> Callable[[], object]:
        """Imports everything that the part runs on: before a fork this is paid once, and shared."""
        with _nothing_collected():
            beside = [pkgutil.resolve_name(name) for name in self.beside]
            return functools.partial(pkgutil.resolve_name(self.entry), *self.arguments, *beside)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What is loaded is no garbage: to look for some took a quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def parts_of(settings: Settings) -> list[Part]:
    """As few processes as keep what fails apart: the controller is beside the API, since it must outlive a worker to take
    over what that one held. The API comes last, so that the others are forked before what only it imports is loaded: it
    writes to most of that, and each page written to would be there twice."""
    return [*_workers(settings), Part("api", "slipyard.cli.up.beside:run_beside", beside=(_SERVE, _LEAD))]


def _workers(settings: Settings) -> list[Part]:
    """As few processes as do it: the first ones build and deploy, the others do the one of which there are more."""
    wanted = {"build": settings.build_workers, "deploy": settings.deploy_workers}
    kinds = [[kind for kind, count in wanted.items() if number < count] for number in range(max(wanted.values()))]
    return [Part(f"{WORKER}{number}", _WORKER, does) for number, does in enumerate(kinds, start=1)]


SINGLE_PARTS = {
    "api": Part("api", _API),
    "build-worker": Part("build-worker", _WORKER, ("build",)),
    "deploy-worker": Part("deploy-worker", _WORKER, ("deploy",)),
    "controller": Part("controller", _CONTROLLER),
}


def part_named(name: str) -> Part:
    """`NotFound` names the parts that there are."""
    if name not in SINGLE_PARTS:
        raise NotFound(f"There is no part {name!r}: choose one of {', '.join(SINGLE_PARTS)}.")
    return SINGLE_PARTS[name]
