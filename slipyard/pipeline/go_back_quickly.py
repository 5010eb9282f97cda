"""Where a whole release only has to be thawed, one rename is all that is left to do, whatever its strategy."""

from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.load_rollout import Rollout
from slipyard.pipeline.roll_in_batches import look, switch_to_new
from slipyard.pipeline.thaw import thaw


async def go_back_quickly(attempt: Attempt, rollout: Rollout) -> int | None:
    """The route's generation, with all requests at the thawed instances; None where more is needed than a thaw."""
    if not await thaw(attempt, rollout):
        return None
    now = await look(attempt, rollout)
    if not all(len(now.new.get(each.name, ())) >= each.replicas for each in rollout.config.services):
        return None
    return await switch_to_new(attempt, rollout, now)
