"""A part that died, started anew by the keeper: in an interpreter of its own, since nothing is left to fork it from."""

import gc

from slipyard.cli.up.journal import configure_logging
from slipyard.cli.up.parts import parts_of
from slipyard.cli.up.prctl import name_process, share_one_heap
from slipyard.domain.settings import read_settings


def main(name: str) -> None:
    """As `up` starts it, in all but the fork. The settings come from the environment."""
    name_process(f"slipyard-{name}")
    share_one_heap()
    configure_logging()
    (part,) = [part for part in parts_of(read_settings()) if part.name == name]
    run = part.load()
    gc.freeze()
    run()
