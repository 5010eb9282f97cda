"""A canary between two steps holds its app's turn, maybe for hours: a later deployment that could begin ends it."""

from sqlmodel import Session, col, select

from slipyard.pipeline.rollout.canary import CANARY
from slipyard.pipeline.rollout.holds import REPEATS
from slipyard.store.claims import is_ready_to_deploy
from slipyard.store.events import lock_app
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import Deployment


def end_canary(session: Session, later: Deployment) -> None:
    """By a word to it, as a cancel does: it gives its requests back first, and then it is the turn of `later`.

    Only once `later` has its image and nothing holds it: a build that fails must not cost a canary that is well.
    What runs again what is live takes the place of nothing, and neither does a way back that nobody asked for.
    """
    if later.trigger in REPEATS or later.rolls_back is not None or not is_ready_to_deploy(later):
        return
    lock_app(session, later.app_id)
    canary = session.exec(
        select(Deployment)
        .where(
            Deployment.app_id == later.app_id,
            Deployment.parked == CANARY,
            col(Deployment.status).in_(AT_WORK),
            col(Deployment.number) < later.number,
            col(Deployment.cancel_reason).is_(None),
        )
        .execution_options(populate_existing=True)
    ).first()
    if canary is not None:
        canary.cancel_reason = f"Deployment {later.number} took its place while it was a canary."
        session.add(canary)
        session.flush()
