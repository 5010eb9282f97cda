"""What a deleted app leaves behind, removed in an order that never hands its address to somebody else."""

import asyncio
import shutil
from dataclasses import dataclass

import structlog
from sqlalchemy import delete
from sqlmodel import Session, col, select

from slipyard.builder.git_source import held_name
from slipyard.domain.errors import SlipyardError
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.preview import holding_ref
from slipyard.pipeline.commands.end_commands import commands_left
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.retire_instances import instances_left
from slipyard.pipeline.volumes.change_volume import take_away
from slipyard.store.events import lock_app, record
from slipyard.store.kept_output import KeptOutput
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.deployments import AT_WORK, active_deployment
from slipyard.store.queries.domains import erase_domains
from slipyard.store.queries.retention import needed_images
from slipyard.store.queries.schedules import erase_schedules
from slipyard.store.queries.volumes import volumes_of
from slipyard.store.rotation import erase_secrets
from slipyard.store.series.files import SeriesFiles
from slipyard.store.tables import Alert, App, Build, Deployment, LogDrain, Preview, RouteRow
from slipyard.store.transition import transition

_log = structlog.get_logger()


@dataclass(frozen=True)
class _Leaving:
    """`manifest_digest`: of what is to go from the registry too."""

    reference: str
    manifest_digest: str | None


async def clean_up_apps(context: Context) -> None:
    """One pass. An app whose work or instances have not ended yet has its turn later."""
    for app in await context.database.reading(_deleting):
        try:
            await _clean_up(context, app)
        except SlipyardError as error:
            _log.warning("clean_up_failed", app_id=app.id, error=error.message)


async def _clean_up(context: Context, app: App) -> None:
    if await context.database.reading(lambda session: _busy(session, app)):
        return
    await context.router.forget(app.id)
    await context.driver.remove_network(app.id)
    for volume in await context.database.reading(lambda session: volumes_of(session, app.id)):
        if volume.removing or app.parent_id is not None:  # a preview keeps none
            await take_away(context, volume)
    for leaving in await context.database.writing(lambda session: _let_go(session, context, app.id)):
        await _remove_image(context, leaving)
    if app.parent_id is not None:
        await _unpin(context, app)
    await asyncio.to_thread(shutil.rmtree, context.layout.repository(app.id), ignore_errors=True)
    await asyncio.to_thread(SeriesFiles(context.layout.metrics).forget_app, app.id)
    await asyncio.to_thread(KeptOutput(context.layout.kept_output).forget_app, app.id)
    await context.database.writing(lambda session: _removed(session, context, app.id))


async def _remove_image(context: Context, leaving: _Leaving) -> None:
    await context.engine.remove_image(leaving.reference)
    if leaving.manifest_digest is not None:
        pushed = f"{parse_image_reference(leaving.reference).repository}@{leaving.manifest_digest}"
        await context.registry.delete(pushed, context.registry_home.credentials)


async def _unpin(context: Context, app: App) -> None:
    """A preview is built in the repository of its app, which is to keep nothing for it."""
    mirror = context.layout.repository(app.parent_id or app.id)
    if await asyncio.to_thread(mirror.exists):
        for name in await context.database.reading(lambda session: _pins(session, app.id)):
            await context.git.unpin(mirror, name)


def _pins(session: Session, app_id: str) -> list[str]:
    """Of its builds, and what the ref of its request had last."""
    rows = session.exec(select(Preview).where(Preview.preview_app_id == app_id)).all()
    url = session.get_one(App, app_id).config.source.repo_url
    held = [held_name(holding_ref(row.provider, row.number, row.head_ref), url) for row in rows]
    return [*session.exec(select(Build.id).where(Build.app_id == app_id)).all(), *held]


def _deleting(session: Session) -> list[App]:
    return list(session.exec(select(App).where(col(App.deleting_at).is_not(None), col(App.deleted_at).is_(None))).all())


def _busy(session: Session, app: App) -> bool:
    building = select(Build.id).where(Build.app_id == app.id, col(Build.status).in_(UNFINISHED_BUILDS))
    deploying = select(Deployment.id).where(
        Deployment.app_id == app.id,
        col(Deployment.status).in_(AT_WORK),
    )
    return bool(
        session.exec(building).first()
        or session.exec(deploying).first()
        or instances_left(session, app)
        or commands_left(session, app)
    )


def _let_go(session: Session, context: Context, app_id: str) -> list[_Leaving]:
    """Of what another app was promoted to, and may need, nothing: it goes later, see `clean_up_old.py`."""
    lock_app(session, app_id)
    needed = needed_images(session, context.settings.keep_releases)
    references, ids = {reference for reference, _ in needed}, {image_id for _, image_id in needed}
    query = select(Build).where(Build.app_id == app_id, col(Build.image_reference).is_not(None))
    leaving = [build for build in session.exec(query).all() if build.image_reference not in references]
    for build in leaving:
        build.image_removed_at = build.image_removed_at or context.clock.now()
        session.add(build)
    own = [
        _Leaving(str(build.image_reference), build.manifest_digest if build.image_id not in ids else None)
        for build in leaving
    ]
    beside = {image.reference: image for build in leaving for image in build.images.values()}
    return [*own, *(_Leaving(image.reference, image.manifest_digest) for image in beside.values())]


def _removed(session: Session, context: Context, app_id: str) -> None:
    """Its subnet is free from here on: the route is gone, and so are its instances and its network."""
    now = context.clock.now()
    app = session.get_one(App, app_id, with_for_update=True)
    active = active_deployment(session, app_id)
    if active is not None:
        transition(session, active, DeploymentStatus.SUPERSEDED, now=now, message="Its app was deleted.")
    erase_secrets(session, app_id)
    session.execute(delete(LogDrain).where(col(LogDrain.app_id) == app_id))
    session.execute(delete(Alert).where(col(Alert.app_id) == app_id))
    erase_schedules(session, app_id)
    erase_domains(session, app_id)
    route = session.get(RouteRow, app_id)
    if route is not None:
        session.delete(route)
    app.subnet, app.deleted_at = None, now
    session.add(app)
    record(session, app_id, "app.removed", f"{app.slug} and all that it had is gone.", now=now)
