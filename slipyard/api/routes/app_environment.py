"""The environment of an app. Names and fingerprints for readers, values for who may write."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.configuration import DeployDep
from slipyard.api.views.configuration_views import changed_view
from slipyard.domain.actor import Actor
from slipyard.domain.dotenv_file import read_dotenv, write_dotenv
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.schemas.app_input import EnvChanges
from slipyard.domain.schemas.app_output import EnvEntry, EnvView
from slipyard.domain.schemas.configuration_shapes import DotenvText
from slipyard.pipeline.configuration.change_configuration import Changed, change_env
from slipyard.pipeline.context import Context
from slipyard.store.environment import env_fingerprints, env_of
from slipyard.store.tables import App

router = APIRouter(prefix="/apps/{app}/env", tags=["apps"], route_class=GuardedRoute)


@router.get("", dependencies=[requires("apps:read")])
async def read(app: AppDep, context: ContextDep, actor: ActorDep) -> EnvView:
    """Names and fingerprints; values only for those who may change them."""
    return await _view(context, app, actor)


@router.put("", dependencies=[requires("apps:write")])
async def replace(
    body: EnvChanges, app: AppDep, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> EnvView:
    """Replaces the whole set. What is live restarts with it, and `change` says how."""
    if any(value is None for value in body.env_vars.values()):
        detail = FieldProblem("env_vars", "null removes in PATCH only")
        raise ValidationFailed("PUT replaces the whole set: leave out what should go.", details=[detail])
    changed = await change_env(context, app.id, body.env_vars, replace=True, actor=actor, release=deploy)
    return await _view(context, app, actor, changed)


@router.patch("", dependencies=[requires("apps:write")])
async def merge(
    body: EnvChanges, app: AppDep, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> EnvView:
    """Merges; null removes. What is live restarts with it, and `change` says how."""
    changed = await change_env(context, app.id, body.env_vars, replace=False, actor=actor, release=deploy)
    return await _view(context, app, actor, changed)


@router.post("/import", dependencies=[requires("apps:write")])
async def import_dotenv(
    body: DotenvText, app: AppDep, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> EnvView:
    """Variables from the text of a `.env` file, all of them or none: a line that is none is refused by its number."""
    changes: dict[str, str | None] = dict(read_dotenv(body.text))
    changed = await change_env(
        context,
        app.id,
        changes,
        replace=body.replace,
        actor=actor,
        release=deploy,
        summary="Imported from a .env file.",
    )
    return await _view(context, app, actor, changed)


@router.get("/export", dependencies=[requires("apps:write")])
async def export_dotenv(app: AppDep, context: ContextDep) -> PlainTextResponse:
    """As a `.env` file. References stay references; secrets are not in it."""
    env = await context.database.reading(lambda session: env_of(session, context.cipher, app.id))
    return PlainTextResponse(write_dotenv(env))


async def _view(context: Context, app: App, actor: Actor, changed: Changed | None = None) -> EnvView:
    def query(session: Session) -> EnvView:
        fingerprints = env_fingerprints(session, app.id)
        values = env_of(session, context.cipher, app.id) if actor.may("apps:write") else None
        entries = [
            EnvEntry(name=name, fingerprint=mark, value=values[name] if values else None)
            for name, mark in fingerprints.items()
        ]
        version = session.get_one(App, app.id).last_config
        change = changed_view(app, changed) if changed is not None else None
        return EnvView(app_id=app.id, env_vars=entries, values=values, version=version, change=change)

    return await context.database.reading(query)
