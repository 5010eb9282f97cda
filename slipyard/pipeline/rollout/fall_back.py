"""A deployment ends without success after old instances had made room: those come back before the new ones go."""

from collections import Counter

import structlog
from sqlmodel import Session, col, select

from slipyard.domain.errors import LeaseLost, SlipyardError
from slipyard.domain.lifecycle import LIVE, InstanceStatus
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.hold_claim import under_claim
from slipyard.pipeline.rollout.bring_up import wait_ready
from slipyard.pipeline.rollout.instances import plan_instances, start_instances
from slipyard.pipeline.rollout.load_rollout import Rollout, load_rollout
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.together import together
from slipyard.pipeline.way_back.thaw import thaw
from slipyard.store import claims
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Deployment, Instance, Release
from slipyard.store.transition import transition

_log = structlog.get_logger()


async def fall_back(attempt: Attempt) -> None:
    """What cannot be brought back is said, and keeps the deployment from ending no longer: what is left serves."""
    old = await attempt.context.database.reading(lambda session: _what_is_missing(session, attempt))
    if old is None:
        return
    try:
        await under_claim(attempt.context, attempt.claim, _bring_back(attempt, old), heed_cancel=False)
    except LeaseLost:
        raise
    except SlipyardError as error:
        _log.warning("fall_back_failed", row=attempt.claim.id, error=error.message)
        await attempt.trace.say(f"Not all of release {old.release_number} could be started again: {error.message}")


async def _bring_back(attempt: Attempt, old: Rollout) -> None:
    context, claim = attempt.context, attempt.claim
    await _end_what_runs_alone(attempt, old)
    await attempt.trace.say(f"Starting again what release {old.release_number} gave up.")
    await thaw(attempt, old)
    planned = await plan_instances(context, claim, old, {each.name: each.replicas for each in old.config.services})
    started = await start_instances(context, claim, planned)
    await wait_ready(attempt, started)

    def serve(session: Session) -> None:
        claims.require(session, claim)
        now = context.clock.now()
        for instance in started:
            row = session.get_one(Instance, instance.spec.instance_id)
            transition(session, row, InstanceStatus.SERVING, now=now, message=f"{row.id[-8:]} serves again.")

    await context.database.writing(serve)


async def _end_what_runs_alone(attempt: Attempt, old: Rollout) -> None:
    """Of the release that failed: two of them at once would write the same data."""
    context, alone = attempt.context, old.config.alone

    def give_up(session: Session) -> list[tuple[str, float]]:
        claims.require(session, attempt.claim)
        release = session.get_one(Release, session.get_one(Deployment, attempt.claim.id).release_id)
        query = select(Instance).where(Instance.deployment_id == attempt.claim.id, col(Instance.status).in_(LIVE))
        rows = [row for row in session.exec(query).all() if row.service in alone | release.config.alone]
        for row in rows:
            retire(session, context, row, "the release before takes its place again")
        return [(row.id, release.config.grace_of(row.service)) for row in rows]

    ending = await context.database.writing(give_up)
    await together(context.driver.retire(instance_id, seconds) for instance_id, seconds in ending)


def _what_is_missing(session: Session, attempt: Attempt) -> Rollout | None:
    """The active release, where fewer instances of it serve than it has replicas, and the app is meant to run."""
    app = session.get_one(App, session.get_one(Deployment, attempt.claim.id).app_id)
    active = active_deployment(session, app.id)
    if active is None or app.stopped or app.deleting_at is not None:
        return None
    serving = Counter(
        session.exec(
            select(Instance.service).where(
                Instance.deployment_id == active.id, col(Instance.status) == InstanceStatus.SERVING
            )
        ).all()
    )
    old = load_rollout(session, attempt.context, active.id)
    return old if any(serving[each.name] < each.replicas for each in old.config.services) else None
