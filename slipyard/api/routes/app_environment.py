"""The environment of an app. Names and fingerprints for readers, values for who may write."""

from fastapi import APIRouter
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.actor import Actor
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.schemas.app_input import EnvChanges
from slipyard.domain.schemas.app_output import EnvEntry, EnvView
from slipyard.pipeline.change_app import change_env
from slipyard.pipeline.context import Context
from slipyard.store.environment import env_fingerprints, env_of
from slipyard.store.tables import App

router = APIRouter(prefix="/apps/{app}/env", tags=["apps"], route_class=GuardedRoute)


@router.get("", dependencies=[requires("apps:read")])
async def read(app: AppDep, context: ContextDep, actor: ActorDep) -> EnvView:
    """Names and fingerprints; values only for those who may change them."""
    return await _view(context, app, actor)


@router.put("", dependencies=[requires("apps:write")])
async def replace(body: EnvChanges, app: AppDep, context: ContextDep, actor: ActorDep) -> EnvView:
    """Replaces the whole set. Takes effect with the next deployment."""
    if any(value is None for value in body.env_vars.values()):
        detail = FieldProblem("env_vars", "null removes in PATCH only")
        raise ValidationFailed("PUT replaces the whole set: leave out what should go.", details=[detail])
    await change_env(context, app.id, body.env_vars, replace=True, actor=actor)
    return await _view(context, app, actor)


@router.patch("", dependencies=[requires("apps:write")])
async def merge(body: EnvChanges, app: AppDep, context: ContextDep, actor: ActorDep) -> EnvView:
    """Merges; null removes. Takes effect with the next deployment."""
    await change_env(context, app.id, body.env_vars, replace=False, actor=actor)
    return await _view(context, app, actor)


async def _view(context: Context, app: App, actor: Actor) -> EnvView:
    def query(session: Session) -> EnvView:
        fingerprints = env_fingerprints(session, app.id)
        values = env_of(session, context.cipher, app.id) if actor.may("apps:write") else None
        entries = [
            EnvEntry(name=name, fingerprint=mark, value=values[name] if values else None)
            for name, mark in fingerprints.items()
        ]
        return EnvView(app_id=app.id, env_vars=entries, values=values)

    return await context.database.reading(query)
