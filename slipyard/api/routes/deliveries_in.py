"""Where providers deliver. Public: the signature of each delivery says who sends it."""

from fastapi import APIRouter, Request, Response

from slipyard.api.access.dependencies import ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.webhooks.receive import receive

router = APIRouter(prefix="/webhooks", tags=["triggers"], route_class=GuardedRoute)


@router.post("/{provider}/{hook}", status_code=202, dependencies=[requires("public", streams=True)])
async def deliver(provider: str, hook: str, request: Request, context: ContextDep) -> Response:
    """202 where something will be deployed, 200 with the reason where not, 401 for a wrong signature."""
    return await receive(context, provider, hook, request)
