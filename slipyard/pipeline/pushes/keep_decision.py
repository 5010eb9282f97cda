"""What one delivery meant for one app: written once, in the transaction that does what it says."""

from sqlalchemy import update
from sqlmodel import Session, col

from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.store.tables import Decision, Delivery, Deployment


def recorded_decision(session: Session, delivery_id: str | None, app_id: str) -> PushDecision | None:
    """Ask it under the lock of the app: then two who decide the same delivery find one decision."""
    row = session.get(Decision, (delivery_id, app_id)) if delivery_id else None
    if row is None:
        return None
    deployment = session.get(Deployment, row.deployment_id) if row.deployment_id else None
    return PushDecision(row.verdict, row.reason, deployment.build_id if deployment else None, row.deployment_id)


def keep_decision(
    session: Session, context: Context, delivery_id: str | None, app_id: str, decision: PushDecision
) -> None:
    if delivery_id is None:
        return
    session.add(
        Decision(
            delivery_id=delivery_id,
            app_id=app_id,
            verdict=decision.status,
            reason=decision.message,
            deployment_id=decision.deployment_id,
            decided_at=context.clock.now(),
        )
    )
    session.flush()


def amend_decision(session: Session, delivery_id: str | None, app_id: str, decision: PushDecision) -> None:
    """What became later of a push that was held. Nothing where retention took the delivery."""
    if delivery_id is None:
        return
    values = {"verdict": decision.status, "reason": decision.message, "deployment_id": decision.deployment_id}
    of_app = (col(Decision.delivery_id) == delivery_id, col(Decision.app_id) == app_id)
    session.execute(update(Decision).where(*of_app).values(**values))
    own = (col(Delivery.id) == delivery_id, col(Delivery.app_id) == app_id, col(Delivery.verdict).is_not(None))
    session.execute(update(Delivery).where(*own).values(**values))
