"""Webhooks of an app, and what they delivered."""

from fastapi import APIRouter, Request
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.idempotency import mark_once_shown
from slipyard.api.access.requirement import requires
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.access_views import delivery_view, hook_view
from slipyard.domain.errors import NotFound
from slipyard.domain.ids import new_id
from slipyard.domain.schemas.access_input import CreateHook
from slipyard.domain.schemas.access_output import DeliveryList, DeliveryView, HookList, NewHookView
from slipyard.domain.schemas.outgoing import Done
from slipyard.store.events import record
from slipyard.store.queries.hooks import find_delivery, hooks_of, latest_delivery, list_deliveries
from slipyard.store.tables import Hook
from slipyard.webhooks.hook_settings import checked_settings, new_secret
from slipyard.webhooks.providers import provider_named

router = APIRouter(prefix="/apps/{app}", tags=["triggers"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("/webhooks", dependencies=[READ])
async def hooks(app: AppDep, context: ContextDep) -> HookList:
    """The app's webhooks, without their secrets."""

    def query(session: Session) -> HookList:
        last = latest_delivery(session, app.id)
        received = last.received_at if last else None
        views = [hook_view(hook, context.settings, received) for hook in hooks_of(session, app.id)]
        return HookList(webhooks=views, total=len(views))

    return await context.database.reading(query)


@router.post("/webhooks", status_code=201, dependencies=[WRITE])
async def create(body: CreateHook, app: AppDep, request: Request, context: ContextDep, actor: ActorDep) -> NewHookView:
    """The address and the secret to enter at the provider. The secret is in this answer only."""
    mark_once_shown(request, "secret")
    provider = provider_named(body.provider)
    settings = checked_settings(provider, body.scheme, body.header, body.fields)
    secret, now = new_secret(provider, settings), context.clock.now()
    hook = Hook(
        id=new_id("hok"),
        app_id=app.id,
        provider=provider.name,
        settings=settings,
        secret_encrypted=context.cipher.encrypt(secret.encode()),
        created_at=now,
    )

    def write(session: Session) -> None:
        session.add(hook)
        record(session, app.id, "hook.created", f"{actor.name} added a {hook.provider} webhook.", now=now)

    await context.database.writing(write)
    return NewHookView(**hook_view(hook, context.settings, None).model_dump(), secret=secret)


@router.delete("/webhooks/{hook_id}", dependencies=[WRITE])
async def delete(app: AppDep, hook_id: str, context: ContextDep, actor: ActorDep) -> Done:
    """Deliveries to its address are answered with 404 from now on."""
    now = context.clock.now()

    def remove(session: Session) -> None:
        hook = next((hook for hook in hooks_of(session, app.id) if hook.id == hook_id), None)
        if hook is None:
            raise NotFound(f"{app.slug} has no webhook {hook_id!r}; GET .../webhooks lists them.")
        hook.deleted_at = now
        session.add(hook)
        record(session, app.id, "hook.deleted", f"{actor.name} removed a {hook.provider} webhook.", now=now)

    await context.database.writing(remove)
    return Done(message="The webhook is removed.")


@router.get("/deliveries", dependencies=[READ])
async def deliveries(app: AppDep, context: ContextDep, window: WindowDep) -> DeliveryList:
    """Newest first, each with its verdict and the reason."""

    def query(session: Session) -> DeliveryList:
        rows, total = list_deliveries(session, app.id, window.limit, window.offset)
        return DeliveryList(deliveries=[delivery_view(row) for row in rows], **window.frame(total, len(rows)))

    return await context.database.reading(query)


@router.get("/deliveries/{delivery_id}", dependencies=[READ])
async def delivery(app: AppDep, delivery_id: str, context: ContextDep) -> DeliveryView:
    """One delivery, with what was decided about it and why."""
    return delivery_view(await context.database.reading(lambda session: find_delivery(session, app.id, delivery_id)))
