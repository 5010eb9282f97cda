"""The commit that a branch of an app's repository points to now, wherever that repository lies."""

from slipyard.clients.git_remote import resolve_remote
from slipyard.domain.errors import SourceRefused
from slipyard.domain.git_ref import check_branch
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.git_access import credential_for
from slipyard.store.tables import App


async def branch_head(context: Context, app: App, branch: str) -> str:
    """`SourceRefused` where there is no such branch, `Unavailable` where the host is away."""
    ref = f"refs/heads/{check_branch(branch)}"
    found = await (_here(context, app, ref) if app.config.source.own_remote else _elsewhere(context, app, ref))
    if found is None:
        raise SourceRefused(f"{app.slug} has no branch {branch}. Push it first, or check its name.")
    return found


async def _here(context: Context, app: App, ref: str) -> str | None:
    return (await context.git.heads(context.layout.repository(app.id))).get(ref)


async def _elsewhere(context: Context, app: App, ref: str) -> str | None:
    url = app.config.source.repo_url
    if not url:
        raise SourceRefused(f"The source of {app.slug} is {app.config.source.type}, which has no branches.")
    credential = await context.database.reading(lambda session: credential_for(session, context.cipher, app))
    remote = await resolve_remote(url, credential, context.settings.allowed_networks)
    return await context.git.ls_remote(remote, ref)


async def head_elsewhere(context: Context, url: str, branch: str) -> str:
    """Of a repository that everybody may read; raises as `branch_head` does."""
    remote = await resolve_remote(url, None, context.settings.allowed_networks)
    found = await context.git.ls_remote(remote, f"refs/heads/{check_branch(branch)}")
    if found is None:
        raise SourceRefused(f"{url} has no branch {branch}, or not everybody may read it.")
    return found
