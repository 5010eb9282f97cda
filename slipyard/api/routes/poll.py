"""Looking at a branch or tag elsewhere now, whenever the next look would have been."""

from fastapi import APIRouter

from slipyard.api.access.dependencies import AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.errors import Conflict
from slipyard.domain.schemas.poll_output import PollAnswer
from slipyard.pipeline.sources.poll import Look, poll_now

router = APIRouter(prefix="/apps/{app}", tags=["triggers"], route_class=GuardedRoute)


@router.post("/poll", dependencies=[requires("apps:deploy")])
async def poll(app: AppDep, context: ContextDep) -> PollAnswer:
    """Deploys what is new there by the rules of every push, and answers what was found."""
    found = await poll_now(context, app.id)
    if found is None:
        raise Conflict(
            f"{app.slug} comes from no repository or tag elsewhere, so there is nothing to look at. Push to it, or set"
            " source.repo_url or source.image."
        )
    return _answer(found)


def _answer(found: Look) -> PollAnswer:
    decision = found.decision
    return PollAnswer(
        success=found.error is None,
        message=found.error or (decision.message if decision else ""),
        app_id=found.app_id,
        status=decision.status if decision else "failed",
        found=found.found,
        deployment_id=decision.deployment_id if decision else None,
    )
