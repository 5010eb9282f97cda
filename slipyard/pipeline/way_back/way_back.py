"""What going back would change, and which way it would take. Nothing is changed by asking."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.errors import SlipyardError
from slipyard.domain.lifecycle import ASIDE
from slipyard.domain.release_difference import differences
from slipyard.pipeline.context import Context
from slipyard.pipeline.way_back.bring_image import PULLED, STARTED, THAWED
from slipyard.pipeline.way_back.roll_back import rollback_target
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Build, Deployment, Instance, Release

GONE = "gone"
_SENTENCES = {
    THAWED: "Its instances are paused: they only have to be thawed.",
    STARTED: "Its image is on this engine: new instances are started.",
    PULLED: "Its image is pulled from the registry first, then new instances are started.",
    GONE: "Its image is neither on this engine nor in a registry: build its commit again.",
}


@dataclass(frozen=True)
class WayBack:
    """`way` is thawed, started, pulled or gone."""

    target: Deployment
    way: str
    changes: list[str]
    keeps_data: bool = False  # in volumes: a release names them, and never their contents

    @property
    def sentence(self) -> str:
        same = "" if self.changes else " The two releases are alike."
        kept = " Its volumes keep what is in them now." if self.keeps_data else ""
        return f"Back to deployment {self.target.number}. {_SENTENCES[self.way]}{same}{kept}"


@dataclass(frozen=True)
class _Found:
    target: Deployment
    release: Release
    active: Release | None
    is_paused: bool
    is_published: bool


async def way_back(context: Context, app_id: str, deployment_id: str | None) -> WayBack:
    """`Conflict` and `NotFound` as `roll_back` raises them."""
    found = await context.database.reading(lambda session: _find(session, app_id, deployment_id))
    then = found.release.config
    changes = [] if found.active is None else differences(found.active.config, then)
    keeps_data = any(each.mounts for each in then.services)
    return WayBack(found.target, await _way(context, found), changes, keeps_data)


async def _way(context: Context, found: _Found) -> str:
    if found.is_paused:
        return THAWED
    if await context.engine.image(found.release.config.image.image_id) is not None:
        return STARTED
    return PULLED if found.is_published and await _is_in_registry(context, found) else GONE


async def _is_in_registry(context: Context, found: _Found) -> bool:
    """A registry of others is asked when it comes to it."""
    reference = found.release.config.image.reference
    if not reference.startswith(f"{context.registry_home.host}/"):
        return True
    try:
        await context.registry.manifest(reference, context.registry_home.credentials)
    except SlipyardError:
        return False
    return True


def _find(session: Session, app_id: str, deployment_id: str | None) -> _Found:
    app = session.get_one(App, app_id)
    target = rollback_target(session, app, deployment_id)
    release = session.get_one(Release, target.release_id)
    active = active_deployment(session, app_id)
    build = session.get(Build, release.build_id) if release.build_id else None
    return _Found(
        target,
        release,
        session.get(Release, active.release_id) if active else None,
        is_paused=_is_paused(session, release),
        is_published=build is None or build.published_at is not None,
    )


def _is_paused(session: Session, release: Release) -> bool:
    """All of it: where one instance must be started, that is what it waits for."""
    there = set(
        session.exec(
            select(Instance.service, Instance.ordinal).where(
                Instance.release_id == release.id, col(Instance.status).in_(ASIDE)
            )
        ).all()
    )
    return there >= {(each.name, ordinal) for each in release.config.services for ordinal in range(each.replicas)}
