"""The old instances end before the new ones start: for what may run only once. Requests wait meanwhile, for a while."""

from slipyard.domain.rollout import RECREATE_BEFOREHAND
from slipyard.domain.volume import EXCLUSIVE_BEFOREHAND
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.hold_claim import ParkRequested
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.roll_in_batches import look, roll_in_batches, settle
from slipyard.pipeline.rollout.switch_route import switch_to

OLD_ENDED = "old_ended"


async def recreate(attempt: Attempt, rollout: Rollout) -> int:
    now = await look(attempt, rollout)
    if now.has_old:
        await attempt.trace.say(EXCLUSIVE_BEFOREHAND if rollout.volumes else RECREATE_BEFOREHAND)
        generation = await switch_to(attempt.context, attempt.claim, rollout.app_id, ())
        leaving = [row.id for rows in now.old.values() for row in rows]
        await settle(attempt, generation, (), leaving, f"{len(leaving)} old instance(s) finish their requests and end.")
        raise ParkRequested(OLD_ENDED)
    if now.leaving and not now.new:
        raise ParkRequested(OLD_ENDED)
    return await roll_in_batches(attempt, rollout)
