"""A release becomes what answers: start beside the old, probe until ready, switch by one rename, leave the old to drain."""

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.attempt import Attempt, Endings, begin, carry_out, new_attempt, take
from slipyard.pipeline.builds.provenance import check_provenance
from slipyard.pipeline.builds.resolve_image import resolve_image
from slipyard.pipeline.commands.run_commands import run_after, run_before
from slipyard.pipeline.context import Context
from slipyard.pipeline.hosts.publish_hosts import publish_hosts
from slipyard.pipeline.rollout.finish_deployment import (
    activate,
    cancel_deployment_attempt,
    fail_deployment,
    wake_next_deployment,
)
from slipyard.pipeline.rollout.holds import REPEATS, ROLLBACK, put_on_hold
from slipyard.pipeline.rollout.load_rollout import Rollout, load_rollout
from slipyard.pipeline.rollout.overtake import overtake
from slipyard.pipeline.rollout.pin_images import pin_images
from slipyard.pipeline.rollout.recreate import end_what_runs_alone
from slipyard.pipeline.rollout.strategies import STRATEGIES
from slipyard.pipeline.scale.wake_for_rollout import wake_for_rollout
from slipyard.pipeline.way_back.bring_image import bring_image, bring_service_images
from slipyard.pipeline.way_back.go_back_quickly import go_back_quickly
from slipyard.store.claims import Claim, claim_deployment
from slipyard.store.queries.deployments import WAITING, active_deployment
from slipyard.store.tables import App, Deployment
from slipyard.store.transition import transition


async def run_deployment(context: Context, deployment_id: str) -> None:
    """Does nothing where it is not this worker's to take. Ends in one outcome, or gives the row back."""
    claim = await take(context, lambda session: _claim(session, context, deployment_id))
    if claim is None:
        return
    attempt = new_attempt(context, claim, context.layout.deployment_log(deployment_id))
    await carry_out(attempt, _roll_out(attempt), Endings(fail_deployment, cancel_deployment_attempt))


async def _roll_out(attempt: Attempt) -> None:
    """Every step may be run again by a later attempt, and finds what an earlier one made."""
    rollout = await _prepare(attempt)
    await run_before(attempt, rollout)
    if rollout.config.commands:  # from here on a later deployment may overtake this one
        await wake_next_deployment(attempt.context, rollout.app_id)
    await wake_for_rollout(attempt, rollout)
    generation = await go_back_quickly(attempt, rollout)
    if generation is None:
        await bring_service_images(attempt, rollout)
        await _bring_image(attempt, rollout)
        await end_what_runs_alone(attempt, rollout)
        generation = await STRATEGIES[rollout.config.rollout.strategy](attempt, rollout)
    await run_after(attempt, rollout)
    await activate(attempt, generation)
    await attempt.trace.say(_where_it_is_live(attempt, rollout))


def _where_it_is_live(attempt: Attempt, rollout: Rollout) -> str:
    if rollout.config.routed is None:
        return "Live. None of its services is public: they answer each other alone."
    return f"Live at {attempt.context.settings.app_url(rollout.host)}"


async def _prepare(attempt: Attempt) -> Rollout:
    """What there is to roll out, its image on this engine, and a host name that the router knows."""
    context, claim = attempt.context, attempt.claim
    row = await context.database.reading(lambda session: session.get_one(Deployment, claim.id))
    await begin(attempt, row.cancel_reason)
    if row.release_id is None:
        with attempt.stopwatch.span("pull"):
            await resolve_image(context, claim, row, attempt.trace)
    rollout = await context.database.reading(lambda session: load_rollout(session, context, claim.id))
    if await pin_images(attempt, rollout):
        rollout = await context.database.reading(lambda session: load_rollout(session, context, claim.id))
    await check_provenance(context, rollout.release_id)
    if not rollout.published:
        await publish_hosts(context)
    return rollout


async def _bring_image(attempt: Attempt, rollout: Rollout) -> None:
    """What was built or pulled a moment ago is there; a release of earlier may be in the registry alone."""
    context = attempt.context
    row = await context.database.reading(lambda session: session.get_one(Deployment, attempt.claim.id))
    if row.build_id is not None or row.image is not None:
        return
    way = await bring_image(attempt, rollout)

    def note(session: Session) -> None:
        deployment = session.get_one(Deployment, row.id)
        deployment.way_back = way
        session.add(deployment)

    if row.trigger == ROLLBACK:
        await context.database.writing(note)


def _claim(session: Session, context: Context, deployment_id: str) -> Claim | None:
    row = session.get(Deployment, deployment_id)
    message = _why_overtaken(session, row) if row is not None and row.claim_token is None else None
    if row is not None and message is not None:
        now = context.clock.now()
        transition(session, row, DeploymentStatus.CANCELLED, now=now, message=message, error=message, finished_at=now)
        return None
    if row is not None and row.status in WAITING and row.parked is None and _is_held(session, context, row):
        return None
    if row is not None:
        overtake(session, row, context.clock.now())
    return claim_deployment(session, deployment_id, str(context.holder), context.clock.now())


def _is_held(session: Session, context: Context, row: Deployment) -> bool:
    app = session.get_one(App, row.app_id, with_for_update=True)
    return put_on_hold(session, app, row, context.clock.now())


def _why_overtaken(session: Session, row: Deployment) -> str | None:
    """Only before it began: what began holds the app's turn, and nothing later can."""
    if row.status not in WAITING:
        return None
    if row.rolls_back is not None:
        active = active_deployment(session, row.app_id)
        gone = active is None or active.id != row.rolls_back
        return "Another release went live meanwhile; there is nothing to go back from." if gone else None
    if row.trigger in REPEATS:
        active = active_deployment(session, row.app_id)
        same = active is None or active.release_id == row.release_id
        return None if same else f"A newer release went live meanwhile; nothing is left to {row.trigger}."
    later = select(Deployment.id).where(
        Deployment.app_id == row.app_id,
        col(Deployment.number) > row.number,
        col(Deployment.trigger).not_in(REPEATS),
        col(Deployment.rolls_back).is_(None),
        col(Deployment.status).in_((DeploymentStatus.DEPLOYING, DeploymentStatus.VERIFYING, DeploymentStatus.ACTIVE)),
    )
    if session.exec(later).first() is None:
        return None
    return "A later deployment is live already; this one would go back in time."
