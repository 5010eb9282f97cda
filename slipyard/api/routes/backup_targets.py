"""Places where backups go: directories of this machine, buckets of S3."""

from fastapi import APIRouter
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.backup_view import target_view
from slipyard.domain.schemas.backup_shapes import CreateTarget, TargetList, TargetTest, TargetView
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.backups.targets import NewTarget, make_target, remove_target, try_target
from slipyard.store.queries.backups import targets_of

router = APIRouter(prefix="/backup-targets", tags=["volumes"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("", dependencies=[READ])
async def targets(context: ContextDep, actor: ActorDep) -> TargetList:
    """Beside `here`, the directory of this installation, which is always there."""

    def query(session: Session) -> TargetList:
        views = [target_view(row) for row in targets_of(session, actor.organization_id)]
        return TargetList(targets=views, total=len(views))

    return await context.database.reading(query)


@router.post("", status_code=201, dependencies=[WRITE])
async def create(body: CreateTarget, context: ContextDep, actor: ActorDep) -> TargetView:
    """`.../test` writes, reads and removes a few bytes there. The secret is never shown again."""
    new = NewTarget(body.name, body.directory, body.bucket, body.secret_access_key)
    return target_view(await make_target(context, new, actor))


@router.delete("/{target}", dependencies=[WRITE])
async def delete(target: str, context: ContextDep, actor: ActorDep) -> Done:
    """409 while backups lie there, or volumes are backed up to it."""
    row = await remove_target(context, target, actor)
    return Done(message=f"{row.name} is no place for backups any more.")


@router.post("/{target}/test", dependencies=[WRITE])
async def test(target: str, context: ContextDep, actor: ActorDep) -> TargetTest:
    """Whether backups can be written there and read again."""
    problem = await try_target(context, target, actor)
    return TargetTest(success=problem is None, message=problem or "It takes backups and gives them back.")
