"""What is in a volume goes out and comes back: as a stream to whoever asks, or as a backup at a place."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.volumes import VolumeInPath
from slipyard.api.views.backup_view import backup_view, restored_view
from slipyard.api.views.volume_view import volume_view
from slipyard.domain.actor import Actor
from slipyard.domain.backup import BackupRules
from slipyard.domain.schemas.backup_shapes import (
    AskBackup,
    BackupList,
    BackupView,
    ChangeBackupRules,
    CopyVolume,
    RestoredView,
    RestoreVolume,
)
from slipyard.domain.schemas.outgoing import Done
from slipyard.domain.schemas.volume_shapes import VolumeView
from slipyard.pipeline.backups.ask_backup import ask_backup, set_rules
from slipyard.pipeline.backups.back_up import remove_backup
from slipyard.pipeline.backups.give_back import give_back
from slipyard.pipeline.volumes.read_volume import begin_reading, copy_volume
from slipyard.pipeline.volumes.restore_volume import restore_volume
from slipyard.store.queries.apps import find_seen_app
from slipyard.store.queries.backups import backups_of, find_numbered
from slipyard.store.queries.volumes import find_volume
from slipyard.store.tables import App, Backup

router = APIRouter(prefix="/apps/{app}/volumes/{volume}", tags=["volumes"], route_class=GuardedRoute)
READ, WRITE, DATA = requires("apps:read"), requires("apps:write"), requires("apps:deploy")
BackupInPath = Annotated[str, Path(max_length=64, description="Number, `latest`, or id", examples=["latest"])]
_ZSTD = "application/zstd"


@router.get(
    "/archive", dependencies=[DATA], response_class=StreamingResponse, responses={200: {"content": {_ZSTD: {}}}}
)
async def read_out(
    volume: VolumeInPath,
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    encrypt: Annotated[bool, Query(description="Sealed with the key of this installation")] = False,
    pause: Annotated[bool, Query(description="The app stands still meanwhile; requests wait")] = False,
) -> StreamingResponse:
    """All that is in it, as a `.tar.zst`, while the app runs."""
    rules = BackupRules(encrypt=encrypt, pause=pause)
    content = await begin_reading(context, app.id, volume, rules, actor)
    ending = ".tar.zst.sealed" if encrypt else ".tar.zst"
    name = f'attachment; filename="{app.slug}-{volume}{ending}"'
    return StreamingResponse(
        content, media_type=_ZSTD, headers={"Cache-Control": "no-store", "Content-Disposition": name}
    )


@router.put("/archive", dependencies=[requires("apps:deploy", streams=True)])
async def fill(
    volume: VolumeInPath, app: AppDep, request: Request, context: ContextDep, actor: ActorDep
) -> RestoredView:
    """A `.tar`, `.tar.gz` or `.tar.zst` in the place of all that is in it: all or nothing. The app runs on until it is
    whole, and is then restarted with it."""
    return restored_view(app, await restore_volume(context, app.id, volume, request.stream(), actor))


@router.post("/copy", dependencies=[DATA])
async def copy(
    volume: VolumeInPath, body: CopyVolume, app: AppDep, context: ContextDep, actor: ActorDep
) -> RestoredView:
    """Into another volume, of this app or another one, in the place of all that is in it."""

    def target(session: Session) -> App:
        return app if body.app is None else find_seen_app(session, actor, body.app)

    to = await context.database.reading(target)
    rules = BackupRules(pause=body.pause)
    return restored_view(to, await copy_volume(context, (app.id, volume), (to.id, body.volume), rules, actor))


@router.get("/backups", dependencies=[READ])
async def backups(volume: VolumeInPath, app: AppDep, context: ContextDep) -> BackupList:
    """The newest first; those that were removed stay as history."""

    def query(session: Session) -> BackupList:
        views = [backup_view(session, row) for row in backups_of(session, find_volume(session, app, volume).id)]
        return BackupList(backups=views, total=len(views))

    return await context.database.reading(query)


@router.post("/backups", status_code=202, dependencies=[DATA])
async def back_up(
    volume: VolumeInPath, body: AskBackup, app: AppDep, context: ContextDep, actor: ActorDep
) -> BackupView:
    """Made within seconds, and checked by restoring it into a scratch volume. 409 while another one is being made."""
    changes = body.model_dump(exclude_none=True)
    row = await ask_backup(context, app.id, volume, changes, actor)
    return await context.database.reading(lambda session: backup_view(session, row))


@router.get("/backups/{backup}", dependencies=[READ])
async def read(
    volume: VolumeInPath, backup: BackupInPath, app: AppDep, context: ContextDep, actor: ActorDep
) -> BackupView:
    """How it stands, and what was found when it was checked."""
    return await context.database.reading(
        lambda session: backup_view(session, _find(session, actor, (app, volume), backup))
    )


@router.delete("/backups/{backup}", dependencies=[WRITE])
async def delete(volume: VolumeInPath, backup: BackupInPath, app: AppDep, context: ContextDep, actor: ActorDep) -> Done:
    """From its place, for good."""
    row = await context.database.reading(lambda session: _find(session, actor, (app, volume), backup))
    await remove_backup(context, row, f"{actor.name} asked for it")
    return Done(message=f"Backup {row.number} of {volume} is removed.")


@router.patch("/backup-rules", dependencies=[WRITE])
async def change_rules(
    volume: VolumeInPath, body: ChangeBackupRules, app: AppDep, context: ContextDep, actor: ActorDep
) -> VolumeView:
    """When, to which place, how many stay, and what is done with the app meanwhile."""
    given = body.model_dump(exclude_unset=True)
    ends = {"cron", "before", "after"}
    changes = {name: value for name, value in given.items() if value is not None or name in ends}
    row = await set_rules(context, app.id, volume, changes, actor)
    return await context.database.reading(lambda session: volume_view(session, app, row))


@router.post("/restore", dependencies=[DATA])
async def restore(
    volume: VolumeInPath, body: RestoreVolume, app: AppDep, context: ContextDep, actor: ActorDep
) -> RestoredView:
    """From a backup, of this volume or of any other of the organization; made where it is not there. All or nothing."""
    return restored_view(app, await give_back(context, app.id, volume, body.backup, actor))


def _find(session: Session, actor: Actor, place: tuple[App, str], backup: str) -> Backup:
    return find_numbered(session, actor, find_volume(session, *place), backup)
