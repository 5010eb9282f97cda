"""A queued build becomes an image: fetch, snapshot, plan, BuildKit; then its deployment's turn comes."""

import asyncio

from sqlmodel import Session, col, select

from slipyard.domain.errors import BuildFailed
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.attempt import Attempt, Endings, begin, carry_out, new_attempt, take
from slipyard.pipeline.builds.build_image import Built, build_image
from slipyard.pipeline.builds.finish_build import cancel_build_attempt, fail_build, succeed_build
from slipyard.pipeline.builds.load_build import load_build
from slipyard.pipeline.context import Context
from slipyard.store.claims import Claim, claim_build
from slipyard.store.tables import Deployment
from slipyard.store.transition import transition


async def run_build(context: Context, build_id: str) -> None:
    """Does nothing where the build is not this worker's to take. Ends in one terminal status, or gives the row back."""
    claim = await take(context, lambda session: _claim(session, context, build_id))
    if claim is None:
        return
    attempt = new_attempt(context, claim, context.layout.build_log(build_id))
    await carry_out(attempt, _build(attempt), Endings(fail_build, cancel_build_attempt))


async def _build(attempt: Attempt) -> None:
    context = attempt.context
    job = await context.database.reading(lambda session: load_build(session, context, attempt.claim.id))
    await begin(attempt, job.cancel_reason)
    seconds = context.settings.build_timeout_seconds
    try:
        async with asyncio.timeout(seconds):
            built: Built = await build_image(context, job, attempt.stopwatch, attempt.trace)
    except TimeoutError as error:
        raise BuildFailed(
            f"The build took longer than {seconds:.0f} s; SLIPYARD_BUILD_TIMEOUT_SECONDS raises it."
        ) from error
    await succeed_build(attempt, built)


def _claim(session: Session, context: Context, build_id: str) -> Claim | None:
    now = context.clock.now()
    claim = claim_build(session, build_id, str(context.holder), now)
    if claim is None:
        return None
    waiting = select(Deployment).where(
        Deployment.build_id == build_id, col(Deployment.status) == DeploymentStatus.PENDING
    )
    for deployment in session.exec(waiting).all():
        transition(session, deployment, DeploymentStatus.BUILDING, now=now, message="Its build started.")
    return claim
