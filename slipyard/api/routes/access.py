"""Who asks, and the tokens of the organization."""

from fastapi import APIRouter, Request
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.idempotency import mark_once_shown
from slipyard.api.access.requirement import requires
from slipyard.api.views.access_views import token_view
from slipyard.domain.errors import NotFound
from slipyard.domain.schemas.access_input import CreateToken
from slipyard.domain.schemas.access_output import Me, NewTokenView, TokenList
from slipyard.domain.schemas.outgoing import Done
from slipyard.store.queries.apps import find_app
from slipyard.store.tables import Token
from slipyard.store.tokens import belongs_to, list_tokens, new_token, revoke_token

router = APIRouter(tags=["access"], route_class=GuardedRoute)


@router.get("/me", dependencies=[requires("apps:read", one_app=True)])
async def me(actor: ActorDep) -> Me:
    """The token that asks."""
    return Me(
        id=actor.principal,
        name=actor.name,
        organization_id=actor.organization_id,
        scopes=sorted(actor.scopes),
        app_id=actor.app_id,
    )


@router.get("/tokens", dependencies=[requires("admin")])
async def tokens(context: ContextDep, actor: ActorDep) -> TokenList:
    """The tokens of the organization; the secrets themselves are never shown again."""
    rows = await context.database.reading(lambda session: list_tokens(session, actor.organization_id))
    return TokenList(tokens=[token_view(row) for row in rows], total=len(rows))


@router.post("/tokens", status_code=201, dependencies=[requires("admin")])
async def create(body: CreateToken, request: Request, context: ContextDep, actor: ActorDep) -> NewTokenView:
    """The token itself is in this answer only."""
    mark_once_shown(request, "token")
    now = context.clock.now()

    def write(session: Session) -> tuple[Token, str]:
        app_id = find_app(session, actor.organization_id, body.app).id if body.app else None
        row, secret = new_token(
            session, actor.organization_id, body.name, body.scopes, now, expires_at=body.expires_at, app_id=app_id
        )
        belongs_to(session, row, body.person, actor.principal)
        return row, secret

    row, secret = await context.database.writing(write)
    return NewTokenView(**token_view(row).model_dump(), token=secret)


@router.delete("/tokens/{token_id}", dependencies=[requires("admin")])
async def revoke(token_id: str, request: Request, context: ContextDep, actor: ActorDep) -> Done:
    """Refused from now on, also for browsers that came in with it."""
    now = context.clock.now()
    revoked = await context.database.writing(
        lambda session: revoke_token(session, actor.organization_id, token_id, now)
    )
    request.app.state.principals.forget()
    if not revoked:
        raise NotFound(f"There is no token {token_id!r}; GET /v1/tokens lists them.")
    return Done(message="The token is revoked.")
