"""`slipyard down --purge`: removes what carries this installation's id, and nothing else."""

import asyncio
import json
import shutil
from collections.abc import Callable

from slipyard.cli.up.boot_unit import remove_boot_unit
from slipyard.cli.up.purge_engine import remove_from_engine
from slipyard.domain.errors import NotFound, UserError
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings


def purge(settings: Settings, layout: Layout, say: Callable[[str], None]) -> None:
    """After `down`. What it cannot remove it says, and the data directory stays until all else is gone, so that it
    can be called again."""
    installation_id = _installation_id(layout)
    say(asyncio.run(remove_from_engine(settings.docker_host, installation_id)))
    if remove_boot_unit(installation_id):
        say("systemd unit removed")
    shutil.rmtree(layout.home)
    say(f"{layout.home} removed")


def _installation_id(layout: Layout) -> str:
    """Refuses a directory that is not ours: it is about to be deleted."""
    try:
        installation_id = json.loads(layout.installation.read_text())["id"]
    except (OSError, ValueError, KeyError):
        raise NotFound(f"{layout.home} is not an installation of Slipyard, so nothing was removed.") from None
    if not isinstance(installation_id, str) or not installation_id.isalnum():
        raise UserError(f"{layout.installation} is damaged, so nothing was removed. Put its id back first.")
    return installation_id
