"""Where a whole release only has to be thawed, one rename is all that is left to do, whatever its strategy."""

from sqlmodel import Session

from slipyard.deployer.router import Route, RouteState
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.hold_claim import raise_if_cancelled
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.standing import addresses_of, standing
from slipyard.pipeline.rollout.switch_route import follow_intent, write_intent
from slipyard.pipeline.way_back.thaw import Thawed, run_on, settle_thawed


async def go_back_quickly(attempt: Attempt, rollout: Rollout) -> int | None:
    """The route's generation, with all requests at the thawed instances; None where more is needed than a thaw."""
    thawed = await run_on(attempt, rollout)
    if thawed is None:
        return None
    with attempt.stopwatch.span("switch"):
        route = await attempt.context.database.writing(lambda session: _settle(session, attempt, rollout, thawed))
        generation = None if route is None else await follow_intent(attempt.context, attempt.claim, route)
    await attempt.trace.say(*thawed.sentences)
    return generation


def _settle(session: Session, attempt: Attempt, rollout: Rollout, thawed: Thawed) -> Route | None:
    """Who runs again and where requests go, in one commit, fenced once: people wait for it."""
    settle_thawed(session, attempt, rollout, thawed)
    new = standing(session, rollout.app_id, rollout.deployment_id).new
    if not all(len(new.get(each.name, ())) >= each.replicas for each in rollout.config.services):
        return None
    addresses = addresses_of(row for rows in new.values() for row in rows)
    state = RouteState.AWAKE if addresses else RouteState.STOPPED
    raise_if_cancelled(session, attempt.claim)
    return write_intent(session, rollout.app_id, state, tuple(addresses), attempt.claim.id)
