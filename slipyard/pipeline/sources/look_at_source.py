"""One look at where an app comes from: the head of its branch, or the digest of its tag. Nothing is fetched or pulled."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.clients.git_remote import resolve_remote
from slipyard.domain.app import AppConfig
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import RefNotFound, SourceRefused, Unavailable
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_url import parse_git_url
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.push_rules import stopped_by_ref
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.git_access import credential_for
from slipyard.store.queries.registry_logins import credentials_by_host
from slipyard.store.tables import App

_SECONDS = 15.0
_MOST_REFS = 2000  # of an app; the latest versions


@dataclass(frozen=True)
class Sight:
    """`found` is the commit of the app's branch or the digest of its tag. `refs` are the further branches and tags that
    deploy, None where its triggers name none."""

    found: str | None
    refs: dict[str, str] | None = None


@dataclass(frozen=True)
class Outlook:
    """All that a look needs, read from the database before it. `host` is whom it asks."""

    app: App
    host: str
    credential: GitCredential | None = field(default=None, repr=False)
    login: Credentials | None = field(default=None, repr=False)  # at the registry of an image

    @property
    def source(self) -> Source:
        return self.app.config.source


def outlook(session: Session, context: Context, app: App) -> Outlook | None:
    """None where there is nothing to look at: the app's own remote, uploads, an image that is named by its digest."""
    source = app.config.source
    try:
        if source.type is SourceType.GIT and source.repo_url:
            url = parse_git_url(source.repo_url, context.settings.allowed_networks)
            return Outlook(app, url.host, credential_for(session, context.cipher, app))
        if source.type is SourceType.IMAGE and source.image:
            image = parse_image_reference(source.image)
            logins = credentials_by_host(session, context.cipher, app.organization_id)
            return None if image.pinned else Outlook(app, image.domain, login=logins.get(image.domain))
    except SourceRefused:
        return Outlook(app, "")  # the look itself says what is wrong
    return None


async def look(context: Context, outlook: Outlook) -> Sight:
    """`SourceRefused` where it is not there or may not be read, `Unavailable` where the host is away."""
    try:
        async with asyncio.timeout(_SECONDS):
            if outlook.source.type is SourceType.IMAGE:
                return Sight(await _digest(context, outlook))
            return await _heads(context, outlook)
    except TimeoutError as error:
        raise Unavailable(f"{outlook.host} did not answer within {_SECONDS:g} s. It is tried again.") from error


async def _digest(context: Context, outlook: Outlook) -> str:
    image, home = parse_image_reference(outlook.source.image or ""), context.registry_home
    if image.domain == home.host:
        return (await context.registry.manifest(str(image), home.credentials)).digest
    return await context.registry.tag_digest(image, context.settings.allowed_networks, outlook.login)


async def _heads(context: Context, outlook: Outlook) -> Sight:
    """One call, whether one ref or all of them are asked for."""
    source, triggers = outlook.source, outlook.app.config.triggers
    remote = await resolve_remote(source.repo_url or "", outlook.credential, context.settings.allowed_networks)
    own = f"refs/heads/{source.branch}"
    if triggers.branches or triggers.tags:
        there = await context.git.ls_remote_all(remote)
        return Sight(there.get(own), await asyncio.to_thread(_further, outlook.app.config, own, there))
    found = await context.git.ls_remote(remote, own)
    if found is None:
        raise RefNotFound(f"{remote.url} has no branch {source.branch}. Check the name, or push it there first.")
    return Sight(found)


def _further(config: AppConfig, own: str, there: Mapping[str, str]) -> dict[str, str]:
    named = {ref: commit for ref, commit in there.items() if ref != own and stopped_by_ref(config, ref, commit) is None}
    return dict(list(named.items())[-_MOST_REFS:])
