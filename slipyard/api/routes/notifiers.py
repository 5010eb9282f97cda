"""Who is told when an app is deployed, fails, goes back or is healed, and what became of each message."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.idempotency import mark_once_shown
from slipyard.api.access.requirement import requires
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.notifier_view import message_view, notifier_view
from slipyard.domain.schemas.notifier_shapes import (
    ChangeNotifier,
    CreateNotifier,
    MessageList,
    NewNotifierView,
    NotifierList,
    NotifierTest,
    NotifierView,
)
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.telling.notifiers import (
    NewNotifier,
    change_notifier,
    make_notifier,
    remove_notifier,
    try_notifier,
)
from slipyard.store.queries.apps import find_app
from slipyard.store.queries.messages import list_messages
from slipyard.store.queries.notifiers import find_notifier, list_notifiers

router = APIRouter(tags=["notifications"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("/notifiers", dependencies=[READ])
async def notifiers(
    context: ContextDep,
    actor: ActorDep,
    app: Annotated[str | None, Query(max_length=100, description="Those of one app alone, by id or slug")] = None,
) -> NotifierList:
    """Those of the organization, by name."""

    def query(session: Session) -> NotifierList:
        app_id = None if app is None else find_app(session, actor.organization_id, app).id
        rows = list_notifiers(session, actor.organization_id, app_id)
        return NotifierList(notifiers=[notifier_view(row, context.cipher) for row in rows], total=len(rows))

    return await context.database.reading(query)


@router.post("/notifiers", status_code=201, dependencies=[WRITE])
async def create(body: CreateNotifier, request: Request, context: ContextDep, actor: ActorDep) -> NewNotifierView:
    """The secret that verifies a webhook's signature is in this answer only."""
    mark_once_shown(request, "secret")
    row, secret = await make_notifier(context, NewNotifier(**body.model_dump()), actor)
    return NewNotifierView(**notifier_view(row, context.cipher).model_dump(), secret=secret)


@router.get("/notifiers/{notifier}", dependencies=[READ])
async def read(notifier: str, context: ContextDep, actor: ActorDep) -> NotifierView:
    """By id or name."""
    row = await context.database.reading(lambda session: find_notifier(session, actor.organization_id, notifier))
    return notifier_view(row, context.cipher)


@router.patch("/notifiers/{notifier}", dependencies=[WRITE])
async def change(notifier: str, body: ChangeNotifier, context: ContextDep, actor: ActorDep) -> NotifierView:
    """Name, URL, events, and whether it is on. The secret stays."""
    changes = body.model_dump(exclude_none=True)
    return notifier_view(await change_notifier(context, notifier, changes, actor), context.cipher)


@router.delete("/notifiers/{notifier}", dependencies=[WRITE])
async def delete(notifier: str, context: ContextDep, actor: ActorDep) -> Done:
    """What waits to be sent to it is given up."""
    row = await remove_notifier(context, notifier, actor)
    return Done(message=f"The notifier {row.name} is removed.")


@router.post("/notifiers/{notifier}/test", dependencies=[WRITE])
async def test(notifier: str, context: ContextDep, actor: ActorDep) -> NotifierTest:
    """Sends one message now and says whether it arrived."""
    problem = await try_notifier(context, notifier, actor)
    return NotifierTest(success=problem is None, message=problem or "It arrived.")


@router.get("/apps/{app}/messages", dependencies=[READ])
async def messages(app: AppDep, context: ContextDep, window: WindowDep) -> MessageList:
    """What others were told of this app, newest first: statuses, comments and notifications, and what did not arrive."""

    def query(session: Session) -> MessageList:
        rows, total = list_messages(session, app.id, window.limit, window.offset)
        return MessageList(messages=[message_view(row) for row in rows], **window.frame(total, len(rows)))

    return await context.database.reading(query)
