"""Builds of an app, and builds that wait for somebody: a worker, the controller, the registry."""

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.queries.paging import page
from slipyard.store.tables import Build

UNFINISHED = (BuildStatus.QUEUED, BuildStatus.RUNNING)


def list_builds(session: Session, app_id: str, limit: int, offset: int) -> tuple[list[Build], int]:
    """Newest first."""
    return page(session, _of(app_id).order_by(col(Build.number).desc()), limit, offset)


def find_build(session: Session, app_id: str, build_id: str) -> Build:
    build = session.exec(_of(app_id).where(Build.id == build_id)).first()
    if build is None:
        raise NotFound(f"This app has no build {build_id!r}; GET .../builds lists them.")
    return build


def latest_build(session: Session, app_id: str) -> Build | None:
    return session.exec(_of(app_id).order_by(col(Build.number).desc())).first()


def current_build(session: Session, app_id: str) -> Build | None:
    """The one that runs, else the one that is next: what "cancel the build" means."""
    unfinished = _of(app_id).where(col(Build.status).in_(UNFINISHED))
    running_first = (col(Build.status) != BuildStatus.RUNNING, col(Build.number))
    return session.exec(unfinished.order_by(*running_first)).first()


def queued_builds(session: Session, app_id: str) -> list[Build]:
    """Oldest first."""
    return list(session.exec(_of(app_id).where(Build.status == BuildStatus.QUEUED).order_by(col(Build.number))))


def build_of_plan(session: Session, app_id: str, plan_key: str) -> Build | None:
    """The newest build of this app that made the image of exactly this tree and plan, and whose image is still there.
    Never another app's: an image holds what its build secrets put there."""
    made = _of(app_id).where(Build.plan_key == plan_key, Build.status == BuildStatus.SUCCEEDED)
    usable = made.where(col(Build.image_id).is_not(None), col(Build.image_removed_at).is_(None))
    return session.exec(usable.order_by(col(Build.number).desc())).first()


def builds_to_wake(session: Session, limit: int = 1000) -> list[Build]:
    """What a build worker could claim now, oldest first: queued with no other build of its app running, or given back.
    What the queue is rebuilt from."""
    busy = select(Build.app_id).where(Build.status == BuildStatus.RUNNING)
    ready = (col(Build.status) == BuildStatus.RUNNING) | col(Build.app_id).not_in(busy)
    free = select(Build).where(col(Build.status).in_(UNFINISHED), col(Build.claim_token).is_(None), ready)
    return list(session.exec(free.order_by(col(Build.id)).limit(limit)))


def claimed_builds(session: Session) -> list[Build]:
    """Whose heartbeats the controller watches."""
    claimed = select(Build).where(Build.status == BuildStatus.RUNNING, col(Build.claim_token).is_not(None))
    return list(session.exec(claimed.order_by(col(Build.id))))


def unpublished_builds(session: Session, limit: int = 100) -> list[Build]:
    """Built, still here and not in the registry; the least often tried first."""
    here = select(Build).where(Build.status == BuildStatus.SUCCEEDED, col(Build.published_at).is_(None))
    here = here.where(col(Build.image_id).is_not(None), col(Build.image_removed_at).is_(None))
    return list(session.exec(here.order_by(col(Build.publish_attempts), col(Build.id)).limit(limit)))


def _of(app_id: str) -> SelectOfScalar[Build]:
    return select(Build).where(Build.app_id == app_id)
