"""Which images stay, and for whose sake: in words, for people who ask why the disk is full."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.release import ImageIdentity
from slipyard.store.queries.kept_releases import kept_releases
from slipyard.store.queries.retention import needed_images
from slipyard.store.tables import App, Build, Deployment, Release


@dataclass(frozen=True)
class KeptImage:
    """`recent`: of a release that is live, under way or right before it."""

    app: str
    reference: str
    image_id: str
    reason: str
    recent: bool
    release: int = 0


def kept_images(session: Session, keep: int) -> list[KeptImage]:
    """One for each name; those of the newest releases first."""
    found: dict[str, KeptImage] = {}
    slugs, live = _slugs(session), _live(session)
    newest: dict[str, int] = {}
    for release in sorted(kept_releases(session, keep), key=lambda each: (each.id in live, each.number), reverse=True):
        place = newest[release.app_id] = newest.get(release.app_id, -1) + 1
        for identity in (release.config.image, *release.config.origin.images.values()):
            image = _kept(release, identity, slugs[release.app_id], is_live=release.id in live, recent=place <= 1)
            if image.reference not in found or (image.recent and not found[image.reference].recent):
                found[image.reference] = image
    for reference, image_id in needed_images(session, keep):
        found.setdefault(
            reference, KeptImage("", reference, image_id, "The newest build of its app made it.", recent=True)
        )
    return list(found.values())


def copies_elsewhere(session: Session, keep: int) -> list[KeptImage]:
    """Images that the registry has and that are not recent; those of the oldest releases first. The engine can do without
    them until somebody goes back so far."""
    query = select(col(Build.image_reference), col(Build.images)).where(
        col(Build.published_at).is_not(None), col(Build.manifest_digest).is_not(None)
    )
    rows = session.exec(query).all()
    published = {own for own, _ in rows} | {image.reference for _, images in rows for image in images.values()}
    kept = kept_images(session, keep)
    used = {image.image_id for image in kept if image.recent}
    found = [image for image in kept if image.reference in published and image.image_id not in used]
    return sorted(found, key=lambda image: image.release)


def _kept(release: Release, image: ImageIdentity, slug: str, *, is_live: bool, recent: bool) -> KeptImage:
    why = "is live or about to be" if is_live else "can be gone back to"
    reason = f"Release {release.number} of {slug} {why}."
    return KeptImage(slug, image.reference, image.image_id, reason, recent, release.number)


def _slugs(session: Session) -> dict[str, str]:
    return dict(session.exec(select(App.id, App.slug)).all())


def _live(session: Session) -> set[str]:
    ended = (DeploymentStatus.SUPERSEDED, DeploymentStatus.FAILED, DeploymentStatus.CANCELLED)
    query = select(col(Deployment.release_id)).where(
        col(Deployment.status).not_in((*ended, DeploymentStatus.ROLLED_BACK)), col(Deployment.release_id).is_not(None)
    )
    return {release_id for release_id in session.exec(query) if release_id is not None}
