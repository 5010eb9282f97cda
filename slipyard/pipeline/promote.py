"""The image that is live in one app goes live in another, with that one's own configuration and variables. Never a rebuild.

The target's release names the image by its source's name in the registry: it is kept as long as a release of any app
needs it, also when the source is deleted (`store/queries/retention.py`).
"""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound, ValidationFailed
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.configuration.fetch_secrets import fetch_secrets
from slipyard.pipeline.configuration.resolve_configuration import Fetched
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app, configurable_app
from slipyard.pipeline.rollout.make_release import make_release, material_of
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.events import lock_app, record
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Build, Deployment, Release

PROMOTION = "promotion"
_WAS_LIVE = (DeploymentStatus.ACTIVE, DeploymentStatus.SUPERSEDED)


@dataclass(frozen=True)
class Promotion:
    """Without `deployment_id` what is live in the source. `force_reason`: it need not have been live there."""

    source_id: str
    target_id: str
    deployment_id: str | None = None
    force_reason: str | None = None
    title: str = ""


async def promote(context: Context, promotion: Promotion, actor: Actor) -> Deployment:
    """`Conflict` where there is nothing that may be promoted, `NotFound` for a deployment of another app."""
    if promotion.source_id == promotion.target_id:
        raise ValidationFailed("An app cannot be promoted to itself; `slipyard deploy` deploys it again.")
    fetched = await fetch_secrets(context, promotion.target_id)
    deployment = await context.database.writing(lambda session: _accept(session, context, promotion, actor, fetched))
    await wake_deployment(context, deployment)
    return deployment


def _accept(session: Session, context: Context, promotion: Promotion, actor: Actor, fetched: Fetched) -> Deployment:
    source, target = _both(session, promotion)
    chosen = _chosen(session, source, promotion)
    release = _release(session, source, chosen)
    made = make_release(session, context, target.id, material_of(release), None, fetched)
    deployment = write_deployment(session, context, target, _asked(promotion, source, chosen, made, actor))
    message = f"Deployment {deployment.number} has the image of deployment {chosen.number} of {source.slug}."
    now = deployment.created_at
    record(
        session,
        target.id,
        "deployment.promoted",
        message,
        now=now,
        deployment_id=deployment.id,
        source_app_id=source.id,
        source_deployment_id=chosen.id,
    )
    return deployment


def _both(session: Session, promotion: Promotion) -> tuple[App, App]:
    """Locked in the order of their ids, so that two that promote to each other do not wait for each other; with the app
    that built the image, so that nobody lets it go meanwhile."""
    for app_id in sorted({promotion.source_id, promotion.target_id, *_where_built(session, promotion)}):
        lock_app(session, app_id)
    source = changeable_app(session, promotion.source_id)
    if source.parent_id is not None:
        raise Conflict(
            f"{source.slug} is a preview, which shows what nobody has merged: promote the app that built it."
        )
    return source, configurable_app(session, promotion.target_id)


def _where_built(session: Session, promotion: Promotion) -> list[str]:
    asked, source_id = promotion.deployment_id, promotion.source_id
    row = session.get(Deployment, asked) if asked else active_deployment(session, source_id)
    release = session.get(Release, row.release_id) if row is not None and row.release_id else None
    build = session.get(Build, release.build_id) if release is not None and release.build_id else None
    return [] if build is None else [build.app_id]


def _chosen(session: Session, source: App, promotion: Promotion) -> Deployment:
    if promotion.deployment_id is None:
        active = active_deployment(session, source.id)
        if active is None:
            raise Conflict(f"Nothing of {source.slug} is live, so there is nothing to promote. Deploy it first.")
        return active
    row = session.get(Deployment, promotion.deployment_id)
    if row is None or row.app_id != source.id:
        raise NotFound(f"{source.slug} has no deployment {promotion.deployment_id}. `slipyard deployments` lists them.")
    if row.status not in _WAS_LIVE and promotion.force_reason is None:
        raise Conflict(
            f"Deployment {row.number} of {source.slug} is {row.status} and has not proved itself live there. Promote one"
            " that has, or force it and say why."
        )
    return row


def _release(session: Session, source: App, chosen: Deployment) -> Release:
    release = session.get(Release, chosen.release_id) if chosen.release_id else None
    if release is None:
        raise Conflict(f"Deployment {chosen.number} of {source.slug} has no image to promote: it is {chosen.status}.")
    build = session.get(Build, release.build_id, populate_existing=True) if release.build_id else None
    if build is not None and build.image_removed_at is not None:
        raise Conflict(
            f"The image of deployment {chosen.number} of {source.slug} was cleaned up. Deploy its commit there again."
        )
    return release


def _asked(promotion: Promotion, source: App, chosen: Deployment, made: Release, actor: Actor) -> Asked:
    return Asked(
        PROMOTION,
        actor.name,
        title=promotion.title or f"Promoted from {source.slug}, deployment {chosen.number}",
        commit=made.config.commit,
        release_id=made.id,
        principal=actor.principal,
        promoted_from=chosen.id,
        force_reason=promotion.force_reason,
    )
