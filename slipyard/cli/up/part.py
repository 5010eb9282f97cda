"""`slipyard part NAME`: one part in the foreground, for containers and compose, where something else supervises."""

from slipyard.cli.up.journal import configure_logging
from slipyard.cli.up.parts import part_named
from slipyard.cli.up.prctl import share_one_heap
from slipyard.cli.up.prepare import prepare_installation
from slipyard.domain.settings import Settings


def run_part(name: str, settings: Settings) -> None:
    """Until SIGTERM. Whichever part comes first prepares the installation; a lock makes the others wait for it."""
    part = part_named(name)
    share_one_heap()
    configure_logging()
    prepare_installation(settings)
    part.load()()
