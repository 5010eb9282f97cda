"""Old instances that end before the new ones start: of what may run only once. Requests wait meanwhile, for a while."""

from collections.abc import Iterable

from sqlmodel import Session

from slipyard.domain.release import ReleaseConfig
from slipyard.domain.rollout import RECREATE_BEFOREHAND
from slipyard.domain.volume import EXCLUSIVE_BEFOREHAND
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.hold_claim import ParkRequested
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.roll_in_batches import look, settle
from slipyard.pipeline.rollout.standing import Standing, addresses_of
from slipyard.pipeline.rollout.switch_route import switch_to
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import Instance, Release

OLD_ENDED = "old_ended"


async def end_what_runs_alone(attempt: Attempt, rollout: Rollout) -> None:
    """Before anything of the release starts. Parks the deployment until they have ended."""
    alone = rollout.config.alone | await attempt.context.database.reading(
        lambda session: _alone_before(session, rollout.app_id)
    )
    if not alone:
        return
    now = await look(attempt, rollout)
    leaving = [row for name in sorted(alone) for row in now.old.get(name, ())]
    if leaving:
        await _end(attempt, rollout, now, leaving)
        raise ParkRequested(OLD_ENDED)
    if any(now.leaving.get(name) and not now.new.get(name) for name in alone):
        raise ParkRequested(OLD_ENDED)


def _alone_before(session: Session, app_id: str) -> frozenset[str]:
    """A volume that was exclusive until now may have one user at a time until its last one has ended."""
    before = active_deployment(session, app_id)
    release = session.get(Release, before.release_id) if before is not None else None
    return _mounting(release.config) if release is not None else frozenset()


def _mounting(config: ReleaseConfig) -> frozenset[str]:
    return frozenset(each.name for each in config.services if each.alone)


async def _end(attempt: Attempt, rollout: Rollout, now: Standing, leaving: list[Instance]) -> None:
    generation = None
    if any(row.port is not None for row in leaving):
        await attempt.trace.say(EXCLUSIVE_BEFOREHAND if rollout.volumes else RECREATE_BEFOREHAND)
        generation = await switch_to(attempt.context, attempt.claim, rollout.app_id, _without(now, leaving))
    names = ", ".join(sorted({row.service for row in leaving}))
    said = f"{len(leaving)} old instance(s) of {names} finish their requests and end before the new ones start."
    await settle(attempt, generation, (), [row.id for row in leaving], said)


def _without(now: Standing, leaving: Iterable[Instance]) -> list[str]:
    gone = {row.id for row in leaving}
    rows = [row for each in (now.new, now.old) for rows in each.values() for row in rows]
    return addresses_of(row for row in rows if row.id not in gone)
