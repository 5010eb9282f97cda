"""`slipyard down --purge`: removes what carries this installation's id, and nothing else."""

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from slipyard.cli.up.boot_unit import remove_boot_units
from slipyard.cli.up.purge_engine import remove_from_engine
from slipyard.deployer import firewall
from slipyard.domain.errors import NotFound
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.store.database import Database
from slipyard.store.installation import database_url
from slipyard.store.tables import App


def purge(settings: Settings, layout: Layout, say: Callable[[str], None]) -> None:
    """After `down`. The data directory goes last, so that a purge that was broken off can be called again."""
    installation_id = installation_id_of(layout)
    repositories = _repositories(settings)
    say(asyncio.run(remove_from_engine(settings.docker_host, installation_id, repositories)))
    asyncio.run(firewall.remove(installation_id))
    if remove_boot_units(layout):
        say("systemd unit removed")
    shutil.rmtree(settings.secret_files / installation_id, ignore_errors=True)
    _remove_directory(layout.home)
    say(f"{layout.home} removed")


def _remove_directory(home: Path) -> None:
    """Of a volume only what is in it: the volume is for those to remove who mounted it."""
    if not home.is_mount():
        shutil.rmtree(home)
        return
    _empty(home)


def _empty(directory: Path) -> None:
    """Where another volume is mounted below, its directory stays as well."""
    for entry in directory.iterdir():
        if not entry.is_dir() or entry.is_symlink():
            entry.unlink()
            continue
        _empty(entry)
        if not entry.is_mount():
            with suppress(OSError):
                entry.rmdir()


def installation_id_of(layout: Layout) -> str:
    """`NotFound` for a directory that is not ours: it is about to be deleted."""
    try:
        return str(json.loads(layout.installation.read_text())["id"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NotFound(f"{layout.home} is not an installation of Slipyard, so nothing was removed.") from None


def _repositories(settings: Settings) -> list[str]:
    """Names that images of our apps have, also those that were built elsewhere and have no label of ours. Each has 128
    random bits in it, so nobody else's is among them."""
    host = settings.registry_url or f"127.0.0.1:{settings.registry_port}"
    database = Database(database_url(settings))
    try:
        with database.read() as session:
            return [f"{host}/{app.slug}-{app.repository_secret}" for app in session.exec(select(App))]
    except SQLAlchemyError:
        return []  # a damaged database must not keep anybody from removing the rest
    finally:
        database.dispose()
