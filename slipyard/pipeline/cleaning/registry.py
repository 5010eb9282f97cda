"""The embedded registry: manifests that no build's row leads to, and the blobs that no manifest needs any more.

Manifests are deleted by the registry's API. Their blobs are freed in its files (`clients/registry_storage.py`): set
aside while no push is under way, looked at once more, and removed. Killed at any moment, the next pass goes on.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

import structlog

from slipyard.clients.registry_storage import RegistryStorage
from slipyard.domain.cleaning import BLOBS, MANIFEST, REPOSITORY, CleaningItem
from slipyard.domain.errors import Unavailable
from slipyard.pipeline.builds.push_gate import push_gate
from slipyard.pipeline.cleaning.finding import Finding, Remove
from slipyard.pipeline.cleaning.home import home_of_images
from slipyard.pipeline.cleaning.survey import Survey
from slipyard.pipeline.context import Context
from slipyard.store.queries.image_names import Fate, fates_of

YOUNG_SECONDS = 3600.0  # what somebody pushes by hand goes through no gate of ours
GATE_SECONDS = 60.0
_log = structlog.get_logger()


def registry_storage(context: Context) -> RegistryStorage | None:
    """None where images are kept elsewhere: freeing blobs is for those who run that registry."""
    storage = RegistryStorage(context.layout.home / "registry" / "data")
    return storage if context.settings.registry_url is None and storage.is_here else None


async def look_at_manifests(survey: Survey) -> list[Finding]:
    """A manifest goes when every tag that names it may go."""
    storage = registry_storage(survey.context)
    if storage is None:
        return []
    tagged = await asyncio.to_thread(_tagged, storage, home_of_images(survey.context))
    fates = await _fates(survey.context, [name for names in tagged.values() for name in names])
    return [
        _manifest(survey.context, manifest, {name: fates[name] for name in names}) for manifest, names in tagged.items()
    ]


async def look_at_blobs(survey: Survey) -> list[Finding]:
    """Of the blobs, as many as go once the manifests that may go are gone."""
    storage = registry_storage(survey.context)
    if storage is None:
        return []
    leaving = {finding.item.name for finding in await look_at_manifests(survey) if finding.remove is not None}
    free, young, kept = await asyncio.to_thread(_weigh, storage, leaving)
    holes = await asyncio.to_thread(_holes, storage)
    why = "No manifest needs them, once those that may go are gone."
    items = [
        CleaningItem(BLOBS, "blobs", why, removable=True, bytes=sum(free), count=len(free)),
        CleaningItem(BLOBS, "new blobs", _YOUNG, removable=False, bytes=sum(young), count=len(young)),
        CleaningItem(BLOBS, "blobs in use", "Manifests name them.", removable=False, bytes=sum(kept), count=len(kept)),
    ]
    if holes:
        items.insert(0, CleaningItem(BLOBS, "blobs set aside", _HOLES, removable=True, bytes=0, count=holes))
    verbs: dict[bool, Remove] = {True: lambda: free_blobs(survey.context, storage)}
    return [Finding(item, verbs.get(item.removable)) for item in items if item.count]


async def look_at_repositories(survey: Survey) -> list[Finding]:
    storage = registry_storage(survey.context)
    if storage is None:
        return []
    before = time.time() - YOUNG_SECONDS
    names = await asyncio.to_thread(storage.empty_repositories, before)
    return [_repository(survey.context, storage, name) for name in names]


async def free_blobs(context: Context, storage: RegistryStorage) -> int:
    """Bytes. `Unavailable` where pushes did not end for a minute; nothing was touched then."""
    await asyncio.to_thread(storage.free_aside)
    if not await asyncio.to_thread(_free, storage):
        return 0
    async with push_gate(context).closed(GATE_SECONDS) as closed:
        if not closed:
            raise Unavailable(
                "The registry's blobs were not freed: images were pushed all the time. The next pass tries again."
            )
        moved = await asyncio.to_thread(lambda: storage.set_aside(_free(storage)))
    freed, back = await asyncio.to_thread(storage.free_aside)
    await asyncio.to_thread(storage.forget_links, set(moved) - await asyncio.to_thread(storage.needed))
    _log.info("registry_freed", bytes=freed, blobs=len(moved) - back, put_back=back)
    return freed


_HOLES = "A pass that was stopped set them aside, and manifests name them: they are put back."
_YOUNG = "Written within the last hour: somebody may be pushing the image that they belong to."


def _tagged(storage: RegistryStorage, home: str) -> dict[str, list[str]]:
    """By `repository@digest`, the names that it has."""
    found: dict[str, list[str]] = {}
    for repository in storage.repositories():
        for tag, digest in storage.tags(repository).items():
            host = home.partition("/")[0]
            found.setdefault(f"{host}/{repository}@{digest}", []).append(f"{host}/{repository}:{tag}")
    return found


def _holes(storage: RegistryStorage) -> int:
    aside = {blob.digest for blob in storage.left_aside()}
    return len(aside & storage.needed()) if aside else 0


def _weigh(storage: RegistryStorage, leaving: set[str]) -> tuple[list[int], list[int], list[int]]:
    needed, now = storage.needed({name.partition("/")[2] for name in leaving}), time.time()
    free: list[int] = []
    young: list[int] = []
    kept: list[int] = []
    for blob in (*storage.blobs(), *storage.left_aside()):
        bin_of = kept if blob.digest in needed else young if now - blob.written_at < YOUNG_SECONDS else free
        bin_of.append(blob.bytes)
    return free, young, kept


def _free(storage: RegistryStorage) -> list[str]:
    needed, before = storage.needed(), time.time() - YOUNG_SECONDS
    return [blob.digest for blob in storage.blobs() if blob.digest not in needed and blob.written_at < before]


def _manifest(context: Context, name: str, fates: Mapping[str, Fate]) -> Finding:
    """The first reason to keep it is the one that is told."""
    digest = name.rpartition("@")[2]
    told = next((fate for fate in fates.values() if not fate.may_go), next(iter(fates.values())))
    if any(fate.manifest_digest not in (None, digest) for fate in fates.values()):
        told = replace(told, may_go=False, reason="Its tag was moved to an image that no build of Slipyard's pushed.")
    item = CleaningItem(MANIFEST, name, told.reason, removable=told.may_go, app=told.app)
    return Finding(item, _removal(context, name, list(fates)) if told.may_go else None)


def _removal(context: Context, name: str, tags: list[str]) -> Remove:
    async def remove() -> int | None:
        if not all(fate.may_go for fate in (await _fates(context, tags)).values()):
            return None
        await context.registry.delete(name, context.registry_home.credentials)
        return 0

    return remove


def _repository(context: Context, storage: RegistryStorage, name: str) -> Finding:
    async def remove() -> int | None:
        async with push_gate(context).closed(GATE_SECONDS) as closed:
            before = time.time() - YOUNG_SECONDS
            if not closed or name not in await asyncio.to_thread(storage.empty_repositories, before):
                return None
            await asyncio.to_thread(storage.remove_repository, name)
        return 0

    return Finding(CleaningItem(REPOSITORY, name, "It has no image any more.", removable=True), remove)


async def _fates(context: Context, names: list[str]) -> dict[str, Fate]:
    home, keep = home_of_images(context), context.settings.keep_releases
    return await context.database.reading(lambda session: fates_of(session, home, keep, names))
