"""Somebody else than who asked lets a deployment of a protected app go."""

from sqlmodel import Session

from slipyard.domain.actor import JOB, Actor
from slipyard.domain.errors import Conflict, InsufficientScope, NotFound
from slipyard.domain.lifecycle import is_over
from slipyard.pipeline.cancel import cancel_deployment_in
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.rollout.holds import put_on_hold
from slipyard.pipeline.wake import wake_deployment
from slipyard.store.events import record
from slipyard.store.tables import App, Deployment
from slipyard.store.tokens import names_of, person_of


async def approve_deployment(context: Context, app_id: str, deployment_id: str, actor: Actor) -> Deployment:
    """`InsufficientScope` for who asked for it and for jobs, `Conflict` where nothing waits for an approval."""

    def approve(session: Session) -> Deployment:
        app = changeable_app(session, app_id)
        row = _awaiting(session, app, deployment_id)
        _refuse_jobs(session, row, actor)
        if _is_theirs(session, row, actor):
            raise InsufficientScope(
                f"Deployment {row.number} was asked for by {row.actor}, whose token this is too. {app.slug} is"
                " protected: somebody else approves, with a token of their own."
            )
        now = context.clock.now()
        row.awaits_approval, row.approved_by = False, actor.name
        message = f"{actor.name} approved deployment {row.number}."
        record(session, app_id, "deployment.approved", message, now=now, deployment_id=row.id)
        put_on_hold(session, app, row, now)
        return row

    deployment = await context.database.writing(approve)
    await wake_deployment(context, deployment)
    return deployment


async def reject_deployment(context: Context, app_id: str, deployment_id: str, reason: str, actor: Actor) -> Deployment:
    """Ends it; what serves goes on serving."""

    def reject(session: Session) -> Deployment:
        row = _awaiting(session, changeable_app(session, app_id), deployment_id)
        why = f": {reason.rstrip('.')}" if reason else ""
        cancel_deployment_in(session, context, row, f"Rejected by {actor.name}{why}.")
        return row

    return await context.database.writing(reject)


def _awaiting(session: Session, app: App, deployment_id: str) -> Deployment:
    row = session.get(Deployment, deployment_id, with_for_update=True)
    if row is None or row.app_id != app.id:
        raise NotFound(f"{app.slug} has no deployment {deployment_id}. `slipyard deployments` lists them.")
    if is_over(row.status):
        raise Conflict(f"Deployment {row.number} is {row.status} already; there is nothing to approve.")
    if not row.awaits_approval:
        said = f"was approved by {row.approved_by} already" if row.approved_by else "needs no approval"
        raise Conflict(f"Deployment {row.number} {said}.")
    return row


def _refuse_jobs(session: Session, row: Deployment, actor: Actor) -> None:
    """A push starts the job: its pusher would approve their own."""
    if person_of(session, actor.principal).startswith(JOB):
        raise InsufficientScope(
            f"Deployment {row.number} waits for a person, and {actor.name} is a job of a CI. Somebody approves it with a"
            " token of their own."
        )


def _is_theirs(session: Session, row: Deployment, actor: Actor) -> bool:
    """By person, with whichever of their tokens. A push is known by a name alone."""
    person = person_of(session, actor.principal)
    if row.principal is None:
        return row.actor in {actor.name, *names_of(session, person)}
    return person_of(session, row.principal) == person
