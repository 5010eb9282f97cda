"""A deployment of a sleeping app begins with what it replaces awake: it may have to serve beside it, or again."""

from sqlmodel import Session

from slipyard.deployer.router import RouteState
from slipyard.domain.errors import UserError
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.switch_route import switch_to
from slipyard.pipeline.scale.sleepers import sleeping_rows
from slipyard.pipeline.scale.wake_up import wake_up
from slipyard.store import claims
from slipyard.store.queries.deployments import active_deployment


async def wake_for_rollout(attempt: Attempt, rollout: Rollout) -> None:
    """What cannot be woken any more makes way at once: requests wait for the new release instead."""
    try:
        if await wake_up(attempt.context, rollout.app_id, "a deployment begins"):
            await attempt.trace.say("The app slept, and was woken before the new release comes.")
    except UserError as error:
        await attempt.trace.say(f"The app slept and cannot be woken: {error.message} Its instances make way now.")
        await switch_to(attempt.context, attempt.claim, rollout.app_id, (), none=RouteState.REPLACING)
        await attempt.context.database.writing(lambda session: _make_way(session, attempt, rollout))


def _make_way(session: Session, attempt: Attempt, rollout: Rollout) -> None:
    claims.require(session, attempt.claim)
    active = active_deployment(session, rollout.app_id)
    for row in sleeping_rows(session, active.id, workers=False) if active else ():
        retire(session, attempt.context, row, "it slept and could not be woken")
