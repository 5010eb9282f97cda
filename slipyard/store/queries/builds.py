"""Builds of an app, and builds that wait for somebody: a worker, the controller, the registry."""

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.queries.paging import page
from slipyard.store.tables import Build

UNFINISHED_BUILDS = (BuildStatus.QUEUED, BuildStatus.RUNNING)


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


def build_of_plan(session: Session, app_id: str, plan_key: str) -> Build | None:
    """The newest build of this app that made the image of exactly this tree and plan, and whose image is still there.
    Never another app's: an image holds what its build secrets put there."""
    made = _of(app_id).where(Build.plan_key == plan_key, Build.status == BuildStatus.SUCCEEDED)
    usable = made.where(col(Build.image_id).is_not(None), col(Build.image_removed_at).is_(None))
    return session.exec(usable.order_by(col(Build.number).desc())).first()


def _of(app_id: str) -> SelectOfScalar[Build]:
    return select(Build).where(Build.app_id == app_id)
