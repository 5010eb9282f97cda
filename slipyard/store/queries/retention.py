"""What may go from the disk: images, trees and logs that nothing needs any more."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import BuildStatus
from slipyard.domain.release import ImageIdentity
from slipyard.store.events import lock_app
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.kept_releases import LIVE_OR_COMING, is_living, kept_releases
from slipyard.store.tables import App, Build, Deployment

LOGS_KEPT = 50  # of the newest builds and of the newest deployments of each app


@dataclass(frozen=True)
class UnneededImage:
    """A name of an image that nothing will deploy again. `shared`: the image itself stays, under another name. `beside`
    are the further images of its build, which are needed as long as this one, and no longer."""

    app_id: str
    build_id: str
    reference: str
    image_id: str
    manifest_digest: str | None
    shared: bool
    beside: tuple[ImageIdentity, ...] = ()


def unneeded_images(session: Session, keep: int, *, app_id: str | None = None, limit: int = 100) -> list[UnneededImage]:
    """Oldest first; of every app, or of one. Call `let_image_go` before the image is removed."""
    images = needed_images(session, keep)
    references = {reference for reference, _ in images}
    ids = {image_id for _, image_id in images}
    unneeded = (
        _unneeded(build, ids)
        for build in _builds_with_image(session, app_id)
        if build.image_reference not in references
    )
    return list(islice(unneeded, limit))


def let_image_go(session: Session, image: UnneededImage, keep: int, now: datetime) -> bool:
    """Decides once more, now that nobody else changes the app, and writes it down: from here on no build reuses the
    image, until `removal_due` is cleared it is tried again. False where something needs it by now."""
    lock_app(session, image.app_id)
    build = session.get_one(Build, image.build_id, populate_existing=True)
    if build.removal_due:  # unless somebody goes back to it at this moment
        return build.image_reference not in {reference for reference, _ in needed_images(session, keep)}
    if image not in unneeded_images(session, keep, app_id=image.app_id, limit=10_000):
        return False
    build.image_removed_at, build.removal_due = now, True
    session.add(build)
    session.flush()
    return True


def images_due(session: Session, limit: int = 100) -> list[UnneededImage]:
    """Written off before, and still there: engine or registry did not answer."""
    query = select(Build).where(col(Build.removal_due)).order_by(col(Build.id)).limit(limit)
    ids = {build.image_id for build in session.exec(query) if build.image_id}
    used = set(session.exec(select(col(Build.image_id)).where(_has_image(), col(Build.image_id).in_(ids))))
    return [_unneeded(build, used) for build in session.exec(query)]


def snapshots_to_keep(session: Session, keep: int) -> set[str]:
    """Digests of the trees of kept releases, of builds under way, and the newest of each app: a redeploy builds it."""
    has_tree = col(Build.snapshot_digest).is_not(None)
    newest = select(func.max(col(Build.number))).where(has_tree).group_by(col(Build.app_id))
    newest = newest.where(col(Build.app_id) == col(App.id)).correlate(App)
    wanted = col(Build.status).in_(UNFINISHED_BUILDS) | (col(Build.number) == newest.scalar_subquery())
    query = select(col(Build.snapshot_digest)).join(App, col(Build.app_id) == col(App.id)).where(is_living(), wanted)
    of_releases = (release.config.snapshot_digest for release in kept_releases(session, keep))
    return _present(session.exec(query)) | _present(of_releases)


def build_logs_to_keep(session: Session, keep: int) -> set[str]:
    """Ids of builds whose log stays: the newest, those under way, and those of kept releases."""
    wanted = _is_recent(col(Build.number), col(App.last_build)) | col(Build.status).in_(UNFINISHED_BUILDS)
    query = select(Build.id).join(App, col(Build.app_id) == col(App.id)).where(is_living(), wanted)
    return set(session.exec(query)) | _present(release.build_id for release in kept_releases(session, keep))


def deployment_logs_to_keep(session: Session) -> set[str]:
    """Ids of deployments whose log stays: the newest, the active ones and those under way."""
    wanted = _is_recent(col(Deployment.number), col(App.last_deployment)) | col(Deployment.status).in_(LIVE_OR_COMING)
    query = select(Deployment.id).join(App, col(Deployment.app_id) == col(App.id)).where(is_living(), wanted)
    return set(session.exec(query))


def needed_images(session: Session, keep: int) -> set[tuple[str, str]]:
    """(reference, image id) of kept releases, of builds whose deployment is under way, and of each app's newest build,
    which may have been made to be deployed later."""
    of_releases = {
        (image.reference, image.image_id)
        for release in kept_releases(session, keep)
        for image in (release.config.image, *release.config.origin.images.values())
    }
    awaited = select(col(Deployment.build_id)).where(
        col(Deployment.status).in_(LIVE_OR_COMING), col(Deployment.build_id).is_not(None)
    )
    builds = select(Build).join(App, col(Build.app_id) == col(App.id)).where(is_living(), _has_image())
    builds = builds.where(col(Build.id).in_(awaited) | (col(Build.number) == col(App.last_build)))
    return of_releases | {image for build in session.exec(builds) for image in _images_of(build)}


def _images_of(build: Build) -> list[tuple[str, str]]:
    beside = [(image.reference, image.image_id) for image in build.images.values()]
    return [(str(build.image_reference), str(build.image_id)), *beside]


def _unneeded(build: Build, used: AbstractSet[str | None]) -> UnneededImage:
    return UnneededImage(
        build.app_id,
        build.id,
        str(build.image_reference),
        str(build.image_id),
        build.manifest_digest,
        shared=build.image_id in used,
        beside=tuple(build.images.values()),
    )


def _builds_with_image(session: Session, app_id: str | None) -> list[Build]:
    """Not of an app that is being deleted: its containers may still run, and `clean_up_app` takes its images in turn."""
    leaving = col(App.deleting_at).is_not(None) & col(App.deleted_at).is_(None)
    query = select(Build).join(App, col(Build.app_id) == col(App.id)).where(_has_image(), ~leaving)
    query = query.order_by(col(Build.id))
    return list(session.exec(query if app_id is None else query.where(Build.app_id == app_id)))


def _has_image() -> ColumnElement[bool]:
    made = (col(Build.status) == BuildStatus.SUCCEEDED) & col(Build.image_id).is_not(None)
    return made & col(Build.image_reference).is_not(None) & col(Build.image_removed_at).is_(None)


def _is_recent(number: Mapped[int], last: Mapped[int]) -> ColumnElement[bool]:
    return number > last - LOGS_KEPT


def _present(values: Iterable[str | None]) -> set[str]:
    return {value for value in values if value is not None}
