"""All new instances are ready beside the old ones, and get their share of the requests step by step. Between two steps
the deployment is parked: `judge_canary.py` watches it, and stops it on evidence."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from slipyard.deployer.router import shares
from slipyard.domain.errors import RolloutFailed
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.hold_claim import ParkRequested
from slipyard.pipeline.observing.last_lines import last_lines
from slipyard.pipeline.rollout.bring_up import bring_up
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.roll_in_batches import look, settle, switch_to_new
from slipyard.pipeline.rollout.standing import Standing, addresses_of
from slipyard.pipeline.rollout.switch_route import switch_to
from slipyard.store.tables import Deployment, Instance

CANARY = "canary"


async def canary(attempt: Attempt, rollout: Rollout) -> int:
    row = await attempt.context.database.reading(lambda session: session.get_one(Deployment, attempt.claim.id))
    if row.evidence is not None:
        raise RolloutFailed(row.evidence, log_tail=await _last_lines(attempt, rollout))
    await bring_up(attempt, rollout, {each.name: each.replicas for each in rollout.config.services})
    now = await look(attempt, rollout)
    steps = rollout.config.rollout.canary.steps
    new, old = _routed(now.new), _routed(now.old)
    if not new or not old or row.canary_step >= len(steps):
        return await switch_to_new(attempt, rollout, now)
    await _give_share(attempt, rollout, now, row.canary_step)
    seconds = rollout.config.rollout.canary.seconds
    raise ParkRequested(CANARY, attempt.context.clock.now() + timedelta(seconds=seconds))


async def _give_share(attempt: Attempt, rollout: Rollout, now: Standing, step: int) -> None:
    rules = rollout.config.rollout.canary
    percent = rules.steps[step]
    slots = shares(_routed(now.new), _routed(now.old), percent)
    with attempt.stopwatch.span("switch"):
        generation = await switch_to(attempt.context, attempt.claim, rollout.app_id, slots)
        serving = [row.id for rows in now.new.values() for row in rows]
        said = f"{percent} % of the requests go to release {rollout.release_number} for {rules.seconds:g} s."
        await settle(attempt, generation, serving, (), said, canary_step=step + 1)


def _routed(rows: Mapping[str, Sequence[Instance]]) -> list[str]:
    return addresses_of(row for each in rows.values() for row in each)


async def _last_lines(attempt: Attempt, rollout: Rollout) -> list[str]:
    now = await look(attempt, rollout)
    rows = [row for rows in now.new.values() for row in rows if row.port is not None]
    return await last_lines(attempt.context, rows)
