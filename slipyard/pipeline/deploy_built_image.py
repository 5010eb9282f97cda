"""An image that somebody built elsewhere of a commit goes live, unless a newer commit was there before it."""

import asyncio
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func
from sqlmodel import Session, select

from slipyard.builder.git_source import fetch_commit
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, UserError
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.deploy_app import DeployRequest, check_request, write_request
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.sources.git_access import credential_for
from slipyard.pipeline.wake import wake_deployment
from slipyard.store.events import record
from slipyard.store.queries.polls import look_soon
from slipyard.store.tables import App, Deployment

_TRIES = 5


@dataclass(frozen=True)
class BuiltImage:
    """`commit` is what it was built of, where that is known."""

    reference: str
    commit: str | None = None
    title: str = ""


@dataclass(frozen=True)
class _Seen:
    decided: str | None
    older: bool


@dataclass(frozen=True)
class Outcome:
    """`deployment` is None where the image is of an older commit; `message` says so."""

    message: str
    deployment: Deployment | None = None


async def deploy_built_image(context: Context, app_id: str, built: BuiltImage, actor: Actor) -> Outcome:
    """The image becomes the app's source; where its repository lies is kept, since that tells which commit is newer."""
    request = DeployRequest(image=built.reference, commit=built.commit, title=built.title, trigger="image")
    check_request(request)
    for _ in range(_TRIES):
        app = await context.database.reading(lambda session: session.get_one(App, app_id))
        seen = _Seen(app.decided_commit, await _is_older(context, app, built.commit))
        outcome = await context.database.writing(partial(_decide, context, app_id, request, actor, seen))
        if outcome is not None:
            break
    else:
        raise Conflict("Other commits of this app are being decided all the time. Send this one again.")
    if outcome.deployment is not None:
        await wake_deployment(context, outcome.deployment)
    return outcome


async def _is_older(context: Context, app: App, commit: str | None) -> bool:
    """By ancestry where both commits can be had, else by what this app has deployed so far; never by the clock."""
    decided = app.decided_commit
    if commit is None or decided is None or commit == decided:
        return False
    mirror = context.layout.repository(app.id)
    if await _is_here(context, app, commit) and await _is_here(context, app, decided):
        return await context.git.is_ancestor(mirror, commit, decided)
    return await context.database.reading(lambda session: _gave_way(session, app.id, commit, decided))


async def _is_here(context: Context, app: App, commit: str) -> bool:
    """In the mirror, fetched where the app says what its repository is. A host that is away is `Unavailable`."""
    mirror, url = context.layout.repository(app.id), app.config.source.repo_url
    if not url:
        return await asyncio.to_thread(mirror.exists) and await context.git.has_commit(mirror, commit)
    credential = await context.database.reading(lambda session: credential_for(session, context.cipher, app))
    networks = context.settings.allowed_networks
    try:
        await fetch_commit(context.git, mirror, url, commit, credential=credential, allowed_networks=networks)
    except UserError:  # it is not there, or we may not read there
        return False
    return True


def _gave_way(session: Session, app_id: str, commit: str, decided: str) -> bool:
    """It was deployed before, and the one that was decided last was not deployed before it."""
    query = select(func.max(Deployment.number)).where(Deployment.app_id == app_id)
    last = session.exec(query.where(Deployment.commit == commit)).one()
    newest = session.exec(query.where(Deployment.commit == decided)).one()
    return last is not None and newest is not None and last < newest


def _decide(
    context: Context, app_id: str, request: DeployRequest, actor: Actor, seen: _Seen, session: Session
) -> Outcome | None:
    """None where another commit was decided since `seen`."""
    app = configurable_app(session, app_id)
    if app.decided_commit != seen.decided:
        return None
    if seen.older:
        message = (
            f"{(request.commit or '')[:12]} is older than {(seen.decided or '')[:12]}, which was decided already; nothing"
            " is deployed. `slipyard rollback` goes back."
        )
        record(session, app_id, "image.ignored", message, now=context.clock.now())
        return Outcome(message)
    _take_as_source(session, context, app, request, actor)
    deployment = write_request(session, context, app, request, actor)
    return Outcome(f"Deployment {deployment.number} is on its way.", deployment)


def _take_as_source(session: Session, context: Context, app: App, request: DeployRequest, actor: Actor) -> None:
    now = context.clock.now()
    app.decided_commit = request.commit
    source = app.config.source.model_copy(update={"type": SourceType.IMAGE, "image": request.image})
    if source != app.config.source:
        app.config = app.config.model_copy(update={"source": source})
        app.version, app.updated_at = app.version + 1, now
        record(session, app.id, "app.changed", f"{actor.name} made {request.image} the source.", now=now)
        look_soon(session, app.id, now, forget=True)
    session.add(app)
    session.flush()
