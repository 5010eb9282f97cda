"""A deployment that could begin ends an older one that has not switched yet: nobody waits for what nobody wants any more."""

from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.deployer.router import RouteState
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import BEFORE_DEPLOY, RELEASE_COMMAND
from slipyard.pipeline.rollout.canary import CANARY
from slipyard.pipeline.rollout.holds import REPEATS, ROLLBACK
from slipyard.store.claims import is_ready_to_deploy
from slipyard.store.events import lock_app, record
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import Deployment, Instance, RouteRow


def overtake(session: Session, later: Deployment, now: datetime) -> None:
    """By a word to the older one, as a cancel does: it gives its requests back first, and then it is the turn of `later`.

    Only once `later` has its image and nothing holds it: a build that fails must not cost a rollout that is well.
    What runs again what is live takes the place of nothing, and neither does a way back that nobody asked for.
    """
    if later.trigger in REPEATS or later.rolls_back is not None or not is_ready_to_deploy(later):
        return
    lock_app(session, later.app_id)
    older = _at_work_before(session, later)
    if older is None or not _may_be_ended(session, older, later):
        return
    moment = "while it was a canary" if older.parked == CANARY else "before all requests went there"
    older.cancel_reason = f"Deployment {later.number} took its place {moment}."
    session.add(older)
    session.flush()
    message = f"Deployment {later.number} is ready to begin: deployment {older.number} is ended for it."
    record(session, later.app_id, "deployment.overtakes", message, now=now, deployment_id=later.id)


def _at_work_before(session: Session, later: Deployment) -> Deployment | None:
    query = select(Deployment).where(
        Deployment.app_id == later.app_id,
        col(Deployment.status).in_(AT_WORK),
        col(Deployment.number) < later.number,
        col(Deployment.cancel_reason).is_(None),
    )
    return session.exec(query.execution_options(populate_existing=True)).first()


def _may_be_ended(session: Session, older: Deployment, later: Deployment) -> bool:
    """Going back is short, and what serves meanwhile is what somebody wanted to leave: only another way back ends it."""
    goes_back = older.rolls_back is not None or (older.trigger == ROLLBACK and later.trigger != ROLLBACK)
    return not goes_back and not _has_switched(session, older) and not _runs_command(session, older)


def _has_switched(session: Session, older: Deployment) -> bool:
    """Its intent names no instance of another deployment: it is as good as live."""
    intent = session.get(RouteRow, older.app_id, populate_existing=True)
    if intent is None or intent.deployment_id != older.id or intent.state == RouteState.REPLACING:
        return False
    others = select(Instance).where(
        Instance.app_id == older.app_id,
        Instance.deployment_id != older.id,
        Instance.status == InstanceStatus.SERVING,
    )
    return not {f"{row.address}:{row.port}" for row in session.exec(others)} & set(intent.addresses)


def _runs_command(session: Session, older: Deployment) -> bool:
    """Half a migration is worse than a wait: whoever ends it must be somebody who asks for that."""
    commands = select(Instance.id).where(
        Instance.deployment_id == older.id,
        col(Instance.service).in_((BEFORE_DEPLOY, RELEASE_COMMAND)),
        col(Instance.status).in_((InstanceStatus.PLANNED, InstanceStatus.STARTED)),
    )
    return session.exec(commands).first() is not None
