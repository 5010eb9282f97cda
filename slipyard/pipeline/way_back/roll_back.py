"""Going back: a new deployment of a release that was live, with its image, environment and configuration. Never a rebuild."""

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, Locked, NotFound
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.rollout.holds import ROLLBACK, lock_sentence
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.queries.deployments import active_deployment, deployment_before
from slipyard.store.tables import App, Deployment

_WAS_LIVE = (DeploymentStatus.ACTIVE, DeploymentStatus.SUPERSEDED, DeploymentStatus.ROLLED_BACK)


async def roll_back(
    context: Context, app_id: str, deployment_id: str | None, actor: Actor, *, force: bool = False
) -> Deployment:
    """To the release that was live before the active one, or to that of `deployment_id`.

    `Conflict` where there is nothing to go back to, `NotFound` for a deployment of another app.
    """

    def accept(session: Session) -> Deployment:
        app = changeable_app(session, app_id)
        if app.locked_at is not None and not force:
            raise Locked(f"{lock_sentence(app)} Going back is possible all the same, with --force.")
        target = rollback_target(session, app, deployment_id)
        asked = Asked(
            ROLLBACK,
            actor.name,
            title=f"Back to deployment {target.number}",
            commit=target.commit,
            release_id=target.release_id,
            principal=actor.principal,
        )
        return write_deployment(session, context, app, asked)

    deployment = await context.database.writing(accept)
    await wake_deployment(context, deployment)
    return deployment


def rollback_target(session: Session, app: App, deployment_id: str | None) -> Deployment:
    """The deployment whose release comes back; the errors of `roll_back`."""
    return _chosen(session, app, deployment_id) if deployment_id else _before(session, app)


def _chosen(session: Session, app: App, deployment_id: str) -> Deployment:
    row = session.get(Deployment, deployment_id)
    if row is None or row.app_id != app.id:
        raise NotFound(f"{app.slug} has no deployment {deployment_id}. `slipyard deployments` lists them.")
    if row.status not in _WAS_LIVE or row.release_id is None:
        raise Conflict(
            f"Deployment {row.number} is {row.status} and was never live, so there is nothing to go back to."
        )
    return row


def _before(session: Session, app: App) -> Deployment:
    active = active_deployment(session, app.id)
    if active is None:
        raise Conflict(f"{app.slug} was never live, so there is nothing to go back to. Deploy it first.")
    row = deployment_before(session, app.id, active.number)
    if row is None:
        raise Conflict(
            f"{app.slug} has no release before this one. `slipyard deployments` shows its history, and"
            " `slipyard rollback NUMBER` goes to any that was live."
        )
    return row
