"""Previews of requests and branches."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.action_answer import WaitDep, deployment_answer
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.preview_view import preview_views
from slipyard.domain.errors import NotFound
from slipyard.domain.schemas.outgoing import Action, Done
from slipyard.domain.schemas.preview_input import ApprovePreview, OpenPreview
from slipyard.domain.schemas.preview_output import PreviewList, PreviewView
from slipyard.pipeline.context import Context
from slipyard.pipeline.previews.approve_preview import approve_preview
from slipyard.pipeline.previews.close_preview import close_preview
from slipyard.pipeline.previews.open_preview import open_branch_preview
from slipyard.pipeline.sources.branch_head import branch_head
from slipyard.store.queries.previews import find_preview, list_previews
from slipyard.store.tables import Preview

router = APIRouter(prefix="/apps/{app}/previews", tags=["triggers"], route_class=GuardedRoute)
READ, DEPLOY = requires("apps:read"), requires("apps:deploy")
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of the request")]


@router.get("", dependencies=[READ])
async def previews(
    app: AppDep,
    context: ContextDep,
    window: WindowDep,
    include_closed: Annotated[bool, Query(description="Those too that are gone")] = False,
) -> PreviewList:
    """Newest first. One that waits says why."""

    def query(session: Session) -> PreviewList:
        rows, total = list_previews(session, app.id, window.limit, window.offset, closed=include_closed)
        views = preview_views(session, context.settings, rows)
        return PreviewList(previews=views, **window.frame(total, len(rows)))

    return await context.database.reading(query)


@router.post("", status_code=201, dependencies=[DEPLOY])
async def create(body: OpenPreview, app: AppDep, context: ContextDep, actor: ActorDep) -> PreviewView:
    """Shows a branch that has no request; the same branch again shows its new commit."""
    commit = body.commit or await branch_head(context, app, body.branch)
    row, _ = await open_branch_preview(context, app.id, body.branch, commit, actor.name)
    return await _view(context, row)


@router.get("/{number}", dependencies=[READ])
async def read(number: Number, app: AppDep, context: ContextDep) -> PreviewView:
    """The open preview of a request, or the last one that it had."""
    row = await context.database.reading(lambda session: find_preview(session, app.id, number))
    return await _view(context, row)


@router.post("/{number}/approve", status_code=202, dependencies=[DEPLOY])
async def approve(
    number: Number,
    body: ApprovePreview,
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
) -> Action:
    """Lets one commit of a fork in. It runs without any variable or secret of the app; look at it all the same."""
    row, shown = await approve_preview(context, app.id, number, body.commit, actor)
    if shown.deployment is not None:
        return await deployment_answer(context, shown.deployment, wait, response)
    status = (await _view(context, row)).status
    return Action(message=shown.message, app_id=row.preview_app_id or app.id, status=status)


@router.delete("/{number}", dependencies=[DEPLOY])
async def remove(number: Number, app: AppDep, context: ContextDep, actor: ActorDep) -> Done:
    """Its containers and images go; a new commit of the request brings it back."""
    row = await close_preview(context, app.id, number, f"{actor.name} removed it.")
    if row is None:
        raise NotFound(f"{app.slug} has no open preview {number}; `slipyard previews list` shows what there is.")
    return Done(message=f"The preview of {row.head_ref} is being removed.")


async def _view(context: Context, row: Preview) -> PreviewView:
    return (await context.database.reading(lambda session: preview_views(session, context.settings, [row])))[0]
