"""One look at where an app comes from: the head of its branch, or the digest of its tag. Nothing is fetched or pulled."""

import asyncio
from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.clients.git_remote import resolve_remote
from slipyard.domain.errors import RefNotFound, SourceRefused, Unavailable
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_url import parse_git_url
from slipyard.domain.image_reference import ImageReference, parse_image_reference
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.git_access import credential_for
from slipyard.store.tables import App

_SECONDS = 15.0


@dataclass(frozen=True)
class Outlook:
    """All that a look needs, read from the database before it. `host` is whom it asks."""

    app: App
    host: str
    credential: GitCredential | None = field(default=None, repr=False)

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
            return None if image.pinned else Outlook(app, image.domain)
    except SourceRefused:
        return Outlook(app, "")  # the look itself says what is wrong
    return None


async def look(context: Context, outlook: Outlook) -> str:
    """A commit or a digest. `SourceRefused` where it is not there or may not be read, `Unavailable` where the host is away."""
    try:
        async with asyncio.timeout(_SECONDS):
            if outlook.source.type is SourceType.IMAGE:
                return await _digest(context, parse_image_reference(outlook.source.image or ""))
            return await _head(context, outlook)
    except TimeoutError as error:
        raise Unavailable(f"{outlook.host} did not answer within {_SECONDS:g} s. It is tried again.") from error


async def _digest(context: Context, image: ImageReference) -> str:
    home = context.registry_home
    if image.domain == home.host:
        return (await context.registry.manifest(str(image), home.credentials)).digest
    return await context.registry.tag_digest(image, context.settings.allowed_networks)


async def _head(context: Context, outlook: Outlook) -> str:
    source = outlook.source
    remote = await resolve_remote(source.repo_url or "", outlook.credential, context.settings.allowed_networks)
    found = await context.git.ls_remote(remote, f"refs/heads/{source.branch}")
    if found is None:
        raise RefNotFound(f"{remote.url} has no branch {source.branch}. Check the name, or push it there first.")
    return found

