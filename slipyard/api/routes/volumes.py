"""Volumes of an app, and those that deleted apps left behind."""

from typing import Annotated

from fastapi import APIRouter, Path
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.volume_view import volume_view
from slipyard.domain.schemas.outgoing import Done
from slipyard.domain.schemas.volume_shapes import (
    AttachVolume,
    ChangeVolume,
    CreateVolume,
    DetachVolume,
    VolumeList,
    VolumeView,
)
from slipyard.domain.volume import Attachment, VolumeConfig
from slipyard.pipeline.context import Context
from slipyard.pipeline.volumes.change_volume import (
    NewVolume,
    attach_volume,
    change_volume,
    create_volume,
    detach_volume,
    remove_volume,
)
from slipyard.store.queries.volumes import find_volume, left_behind, volumes_of
from slipyard.store.tables import App, Volume

router = APIRouter(tags=["volumes"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")
VolumeInPath = Annotated[str, Path(max_length=64, description="Name or id", examples=["data"])]


@router.get("/volumes", dependencies=[READ])
async def all_left_behind(context: ContextDep, actor: ActorDep) -> VolumeList:
    """Those that deleted apps left behind, the newest first. `adopt` of a new volume gives one to another app."""

    def query(session: Session) -> VolumeList:
        views = [volume_view(session, app, row) for row, app in left_behind(session, actor.organization_id)]
        return VolumeList(volumes=views, total=len(views))

    return await context.database.reading(query)


@router.get("/apps/{app}/volumes", dependencies=[READ])
async def volumes(app: AppDep, context: ContextDep) -> VolumeList:
    """By name."""

    def query(session: Session) -> VolumeList:
        views = [volume_view(session, app, row) for row in volumes_of(session, app.id)]
        return VolumeList(volumes=views, total=len(views))

    return await context.database.reading(query)


@router.post("/apps/{app}/volumes", status_code=201, dependencies=[WRITE])
async def create(body: CreateVolume, app: AppDep, context: ContextDep, actor: ActorDep) -> VolumeView:
    """With `path` it is mounted there from the next deployment on. 409 where the app has one of this name."""
    config = VolumeConfig(name=body.name, size_bytes=body.size, exclusive=body.exclusive)
    attachment = None if body.path is None else Attachment(**body.model_dump(include={"service", "path", "read_only"}))
    return await _view(
        context, app, await create_volume(context, app.id, NewVolume(config, attachment, body.adopt), actor)
    )


@router.get("/apps/{app}/volumes/{volume}", dependencies=[READ])
async def read(volume: VolumeInPath, app: AppDep, context: ContextDep) -> VolumeView:
    """What is in it is measured every few minutes, where this machine can."""
    return await context.database.reading(lambda session: volume_view(session, app, find_volume(session, app, volume)))


@router.patch("/apps/{app}/volumes/{volume}", dependencies=[WRITE])
async def change(
    volume: VolumeInPath, body: ChangeVolume, app: AppDep, context: ContextDep, actor: ActorDep
) -> VolumeView:
    """Its size, and whether instances share it."""
    given = body.model_dump(exclude_unset=True)
    changes = {"size_bytes": given["size"]} if "size" in given else {}
    if given.get("exclusive") is not None:
        changes["exclusive"] = given["exclusive"]
    return await _view(context, app, await change_volume(context, app.id, volume, changes, actor))


@router.post("/apps/{app}/volumes/{volume}/attach", dependencies=[WRITE])
async def attach(
    volume: VolumeInPath, body: AttachVolume, app: AppDep, context: ContextDep, actor: ActorDep
) -> VolumeView:
    """Mounted there from the next deployment on."""
    attachment = Attachment(**body.model_dump())
    return await _view(context, app, await attach_volume(context, app.id, volume, attachment, actor))


@router.post("/apps/{app}/volumes/{volume}/detach", dependencies=[WRITE])
async def detach(
    volume: VolumeInPath, body: DetachVolume, app: AppDep, context: ContextDep, actor: ActorDep
) -> VolumeView:
    """Not mounted from the next deployment on; its data stays."""
    return await _view(context, app, await detach_volume(context, app.id, volume, body.path, actor))


@router.delete("/apps/{app}/volumes/{volume}", dependencies=[WRITE])
async def delete(volume: VolumeInPath, app: AppDep, context: ContextDep, actor: ActorDep) -> Done:
    """With its data, for good; its backups stay. 409 while something that runs has it."""
    row = await remove_volume(context, app.id, volume, actor)
    return Done(message=f"The volume {row.name} of {app.slug} and its data are gone; its backups stay.")


async def _view(context: Context, app: App, row: Volume) -> VolumeView:
    return await context.database.reading(lambda session: volume_view(session, app, row))
