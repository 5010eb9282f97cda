"""CI jobs that deploy with their identity instead of a stored secret."""

from fastapi import APIRouter, Request

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.schemas.ci_shapes import (
    CiTrustList,
    CiTrustView,
    CreateCiTrust,
    ExchangedToken,
    ExchangeIdentity,
)
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.outside.ci_trusts import NewTrust, add_ci_trust, remove_ci_trust
from slipyard.pipeline.outside.exchange_identity import SCOPES, exchange_identity
from slipyard.store.queries.ci_trusts import trusts_of
from slipyard.store.tables import CiTrust

router = APIRouter(tags=["triggers"], route_class=GuardedRoute)


@router.post("/auth/ci-exchange", dependencies=[requires("public")])
async def exchange(body: ExchangeIdentity, request: Request, context: ContextDep) -> ExchangedToken:
    """For the identity token of a job that an app trusts: a token that deploys this app, for 15 minutes."""
    made = await exchange_identity(context, request.app.state.issuer_keys, body.token, body.app)
    return ExchangedToken(
        token=made.secret, expires_at=made.expires_at, scopes=list(SCOPES), app_id=made.app.id, app=made.app.slug
    )


@router.get("/apps/{app}/ci-trusts", dependencies=[requires("apps:read")])
async def trusts(app: AppDep, context: ContextDep) -> CiTrustList:
    """Which CI jobs may deploy this app."""
    rows = await context.database.reading(lambda session: trusts_of(session, app.id))
    return CiTrustList(ci_trusts=[_view(row) for row in rows], total=len(rows))


@router.post("/apps/{app}/ci-trusts", status_code=201, dependencies=[requires("apps:write")])
async def create(body: CreateCiTrust, app: AppDep, context: ContextDep, actor: ActorDep) -> CiTrustView:
    """Jobs of this repository at this ref may deploy the app. The same again changes nothing."""
    new = NewTrust(body.repository, body.provider, body.issuer, body.ref, body.audience)
    return _view(await add_ci_trust(context, app.id, new, actor))


@router.delete("/apps/{app}/ci-trusts/{trust_id}", dependencies=[requires("apps:write")])
async def delete(app: AppDep, trust_id: str, context: ContextDep, actor: ActorDep) -> Done:
    """Its jobs get no token any more; those that they have are good for 15 minutes at the most."""
    row = await remove_ci_trust(context, app.id, trust_id, actor)
    return Done(message=f"CI jobs of {row.repository} at {row.ref} are not trusted any more.")


def _view(row: CiTrust) -> CiTrustView:
    return CiTrustView(**row.model_dump())
