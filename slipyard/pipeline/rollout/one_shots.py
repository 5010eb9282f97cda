"""Services that run to their end once in each deployment, in their place in the order."""

from collections.abc import Sequence

from slipyard.domain.release import ServiceSpec
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.commands.run_commands import run_to_its_end
from slipyard.pipeline.rollout.holds import REPEATS
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.store.tables import Deployment


async def run_one_shots(attempt: Attempt, rollout: Rollout, services: Sequence[ServiceSpec]) -> None:
    """One after the other; `RolloutFailed` where one fails. None of them runs twice in a deployment, and none where what
    was live is only started again, unless it is named."""
    if not services:
        return
    row = await attempt.context.database.reading(lambda session: session.get_one(Deployment, attempt.claim.id))
    for service in services:
        if _is_due(row, service):
            await run_to_its_end(attempt, rollout, service)


def _is_due(row: Deployment, service: ServiceSpec) -> bool:
    if row.services is not None:
        return service.name in row.services
    return row.trigger not in REPEATS
