"""The answer to a request whose process died after it had done its work: from what that work left behind."""

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlmodel import Session

from slipyard.api.access.effects import Effects
from slipyard.api.routes.action_answer import build_action, deployment_action
from slipyard.api.views.access_views import hook_view, token_view
from slipyard.api.views.app_view import app_view
from slipyard.api.views.connection_view import connection_view
from slipyard.api.views.credential_view import credential_view
from slipyard.api.views.domain_view import domain_views
from slipyard.api.views.notifier_view import notifier_view
from slipyard.api.views.preview_view import preview_views
from slipyard.api.views.surroundings import surroundings_of
from slipyard.domain.schemas.access_output import NewHookView, NewTokenView
from slipyard.domain.schemas.notifier_shapes import NewNotifierView
from slipyard.pipeline.context import Context
from slipyard.store.tables import (
    App,
    Build,
    Connection,
    Deployment,
    Domain,
    GitCredentialRow,
    Hook,
    Notifier,
    Preview,
    Token,
)


async def recovered_answer(context: Context, effects: Effects) -> Response:
    """The status and the body that the first answer would have had; a secret that was to be shown once is gone."""
    status, body = await context.database.reading(lambda session: _answer(session, context, effects))
    return JSONResponse(body.model_dump(mode="json"), status, {"Idempotency-Replayed": "true"})


def _answer(session: Session, context: Context, effects: Effects) -> tuple[int, BaseModel]:
    match effects:
        case {"preview": preview_id}:
            return 201, preview_views(session, context.settings, [session.get_one(Preview, preview_id)])[0]
        case {"app": app_id}:
            app = session.get_one(App, app_id)
            return 201, app_view(app, surroundings_of(session, app), context.settings)
        case {"deployment": deployment_id}:
            return 202, deployment_action(session.get_one(Deployment, deployment_id))
        case {"build": build_id}:
            return 202, build_action(session.get_one(Build, build_id))
        case _:
            return _of_access(session, context, effects)


def _of_access(session: Session, context: Context, effects: Effects) -> tuple[int, BaseModel]:
    match effects:
        case {"gitcredentialrow": credential_id}:
            return 201, credential_view(session.get_one(GitCredentialRow, credential_id))
        case {"connection": connection_id}:
            return 201, connection_view(session.get_one(Connection, connection_id))
        case {"notifier": notifier_id}:
            shown = notifier_view(session.get_one(Notifier, notifier_id), context.cipher)
            return 201, NewNotifierView(**shown.model_dump(), secret=None)
        case {"domain": domain_id}:
            return 201, domain_views(session, context.settings, [session.get_one(Domain, domain_id)])[0]
        case {"hook": hook_id}:
            view = hook_view(session.get_one(Hook, hook_id), context.settings, None)
            return 201, NewHookView(**view.model_dump(), secret=None)
        case _:
            return 201, NewTokenView(**token_view(session.get_one(Token, effects["token"])).model_dump(), token=None)
