"""What a deleted app may leave: its git repository and its network. And what of living apps is paused, for the record."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session, col, select

from slipyard.deployer.docker.names import APP, INSTALLATION
from slipyard.domain.cleaning import MIRROR, NETWORK, PAUSED, CleaningItem
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.cleaning.disk_use import bytes_below
from slipyard.pipeline.cleaning.finding import Finding, Remove
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.store.tables import App, Instance

_DELETED = "Its app is deleted."
_UNKNOWN = "No app of this installation has this id: it is not Slipyard's to remove."


async def look_at_repositories_of_git(survey: Survey) -> list[Finding]:
    """Of living apps only what they hold together."""
    paths = await asyncio.to_thread(lambda: sorted(survey.context.layout.repositories.glob("*.git")))
    rows = await _apps(survey, [path.stem for path in paths])
    sizes = await asyncio.to_thread(lambda: [bytes_below(path) for path in paths])
    kept, found = [0, 0], []
    for path, size in zip(paths, sizes, strict=True):
        app = rows.get(path.stem)
        if app is not None and app.deleted_at is None:
            kept = [kept[0] + 1, kept[1] + size]
            continue
        why, name = _UNKNOWN if app is None else _DELETED, app.slug if app else None
        item = CleaningItem(MIRROR, str(path), why, removable=app is not None, app=name, bytes=size)
        found.append(Finding(item, _removal(path, size) if app is not None else None))
    living = CleaningItem(MIRROR, "of apps", "Their apps are there.", removable=False, bytes=kept[1], count=kept[0])
    return [*found, *([Finding(living)] if kept[0] else [])]


async def look_at_networks(survey: Survey) -> list[Finding]:
    """Only those that may go, or that nobody knows."""
    context = survey.context
    networks = await context.engine.networks({INSTALLATION: context.installation_id})
    rows = await _apps(survey, [network.labels.get(APP, "") for network in networks])
    found = []
    for network in networks:
        app_id = network.labels.get(APP, "")
        app = rows.get(app_id)
        if app is None:
            found.append(Finding(CleaningItem(NETWORK, network.name, _UNKNOWN, removable=False)))
        elif app.deleted_at is not None:
            item = CleaningItem(NETWORK, network.name, _DELETED, removable=True, app=app.slug)
            found.append(Finding(item, _without_network(survey, app_id)))
    return found


async def look_at_paused(survey: Survey) -> list[Finding]:
    """They hold memory, no disk; `keep_paused` ends them when their time is over."""
    rows = await survey.context.database.reading(_paused)
    return [
        Finding(
            CleaningItem(PAUSED, instance.id, _until(survey), removable=False, app=slug, bytes=instance.memory_bytes)
        )
        for instance, slug in rows
    ]


def _removal(path: Path, size: int) -> Remove:
    async def remove() -> int:
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        return size

    return remove


def _without_network(survey: Survey, app_id: str) -> Remove:
    async def remove() -> int:
        await survey.context.driver.remove_network(app_id)
        return 0

    return remove


def _until(survey: Survey) -> str:
    seconds = survey.context.settings.keep_paused_seconds
    return f"Of the release before, for a quick way back: kept for {seconds:.0f} s. Its bytes are memory."


async def _apps(survey: Survey, ids: Sequence[str]) -> dict[str, App]:
    def read(session: Session) -> dict[str, App]:
        return {app.id: app for app in session.exec(select(App).where(col(App.id).in_(ids)))}

    return await survey.context.database.reading(read)


def _paused(session: Session) -> list[tuple[Instance, str]]:
    query = select(Instance, App.slug).join(App, col(Instance.app_id) == col(App.id))
    return [(row, slug) for row, slug in session.exec(query.where(Instance.status == InstanceStatus.PAUSED))]
