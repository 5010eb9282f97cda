"""Which repository a request of git means, and whether it may be pushed to."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from slipyard.domain.actor import Actor
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Conflict, InsufficientScope, NotFound, SlipyardError
from slipyard.domain.git_ref import check_branch
from slipyard.domain.naming import check_slug
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.store.queries.apps import find_seen_app
from slipyard.store.tables import App

_USUAL_BRANCHES = ("main", "master")


@dataclass(frozen=True)
class Target:
    """`app` is None where a push would make it."""

    slug: str
    app: App | None


async def clone_target(context: Context, actor: Actor, name: str) -> App:
    app = await _find(context, actor, app_name(name))
    if app.config.source.type is not SourceType.GIT:
        raise NotFound(f"The source of {app.slug} is {_whereabouts(app)}; there is no git repository to clone.")
    return app


async def push_target(context: Context, actor: Actor, name: str) -> Target:
    """Raises what a client of git should read where this push is refused."""
    slug = app_name(name)
    if not actor.may("apps:deploy"):
        raise InsufficientScope("Pushing deploys, which needs a token with the scope apps:deploy.")
    if context.settings.read_only:
        raise InsufficientScope("This installation is read-only (SLIPYARD_READ_ONLY); pushes are refused for now.")
    try:
        app = await _find(context, actor, slug)
    except NotFound:
        return _to_be_made(actor, slug)
    refusal = why_not_push(app)
    if refusal is not None:
        raise Conflict(refusal)
    return Target(app.slug, app)


def why_not_push(app: App) -> str | None:
    if app.deleting_at is not None:
        return f"{app.slug} is being deleted. Push to another name, or wait until it is gone."
    if app.parent_id is not None:
        return f"{app.slug} is a preview; push its branch to the app that it previews, with `-o preview`."
    if not app.config.source.own_remote:
        return (
            f"{app.slug} is deployed from {_whereabouts(app)}, so pushes here are refused."
            f" Push there, or make this remote its source: slipyard apps set {app.slug} --own-remote"
        )
    return None


async def make_app(context: Context, actor: Actor, slug: str, branches: list[str]) -> App:
    """The app that a first push creates. Its branch is the one that was pushed."""
    config = AppConfig(source=Source(branch=_branch(branches)))
    new = NewApp(name=slug, slug=slug, config=config, deploy=False)
    try:
        return (await create_app(context, new, actor)).app
    except Conflict:
        return await _find(context, actor, slug)  # another push made it meanwhile


async def prepare(context: Context, app: App) -> Path:
    """The repository, whose HEAD is the branch that is deployed, so that a clone checks that one out."""
    path = context.layout.repository(app.id)
    await context.git.init_bare(path)
    await asyncio.to_thread(_point_head, path, check_branch(app.config.source.branch))
    return path


async def empty_repository(context: Context) -> Path:
    """What a remote of an app that does not exist yet looks like."""
    path = context.layout.run / "empty.git"
    await context.git.init_bare(path)
    return path


def app_name(name: str) -> str:
    return name.removesuffix(".git")


async def _find(context: Context, actor: Actor, slug: str) -> App:
    return await context.database.reading(lambda session: find_seen_app(session, actor, slug))


def _to_be_made(actor: Actor, slug: str) -> Target:
    try:
        check_slug(slug)
    except SlipyardError as error:
        raise NotFound(f"There is no app {slug!r}, and a push cannot make it: {error.message}") from error
    if actor.app_id is not None:
        raise NotFound(f"There is no app {slug!r} for this token, which is for one app only. Use another token.")
    if not actor.may("apps:write"):
        raise NotFound(f"There is no app {slug!r}. To create it by pushing, use a token with the scope apps:write.")
    return Target(slug, None)


def _branch(branches: list[str]) -> str:
    usual = [branch for branch in _USUAL_BRANCHES if branch in branches]
    return (usual or branches or ["main"])[0]


def _whereabouts(app: App) -> str:
    source = app.config.source
    match source.type:
        case SourceType.GIT:
            return source.repo_url or "its own remote"
        case SourceType.IMAGE:
            return f"the image {source.image}"
        case SourceType.UPLOAD:
            return "uploaded directories"


def _point_head(path: Path, branch: str) -> None:
    wanted = f"ref: refs/heads/{branch}\n"
    head = path / "HEAD"
    if head.read_text() != wanted:
        draft = path / ".HEAD.draft"
        draft.write_text(wanted)
        draft.replace(head)
