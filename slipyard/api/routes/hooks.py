"""Webhooks of an app: made, listed, given a new secret, tried out, removed."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.idempotency import mark_once_shown
from slipyard.api.access.requirement import requires
from slipyard.api.views.access_views import hook_view
from slipyard.api.views.app_view import hook_url
from slipyard.domain.actor import Actor
from slipyard.domain.ids import new_id
from slipyard.domain.schemas.access_input import CreateHook
from slipyard.domain.schemas.access_output import HookList, HookTest, HookView, NewHookView
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.deliveries import last_delivered
from slipyard.store.queries.hooks import first_hook, hook_of, hooks_of
from slipyard.store.tables import App, Hook
from slipyard.webhooks.hook_settings import checked_settings, new_secret
from slipyard.webhooks.install import install_hook
from slipyard.webhooks.providers import provider_named
from slipyard.webhooks.take_back import take_back
from slipyard.webhooks.try_hook import try_hook

router = APIRouter(prefix="/apps/{app}", tags=["triggers"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("/webhooks", dependencies=[READ])
async def hooks(app: AppDep, context: ContextDep) -> HookList:
    """The app's webhooks, without their secrets."""

    def query(session: Session) -> HookList:
        found = hooks_of(session, app.id)
        last = last_delivered(session, [hook.id for hook in found])
        views = [hook_view(hook, context.settings, last.get(hook.id)) for hook in found]
        return HookList(webhooks=views, total=len(views))

    return await context.database.reading(query)


@router.post("/webhooks", status_code=201, dependencies=[WRITE])
async def create(body: CreateHook, app: AppDep, request: Request, context: ContextDep, actor: ActorDep) -> NewHookView:
    """The address and the secret to enter at the provider. The secret is in this answer only. With `install` both are
    entered there through its API, with a deploy key where the repository is private; `done` says what was made."""
    mark_once_shown(request, "secret")
    if body.install:
        return await _installed(context, app, actor, body)
    provider = provider_named(body.provider)
    settings = checked_settings(provider, body.scheme, body.header, body.fields)
    secret, now = new_secret(provider, settings), context.clock.now()
    hook = Hook(
        id=new_id("hok"),
        app_id=app.id,
        provider=provider.name,
        settings=settings,
        secret_encrypted=context.cipher.encrypt(secret.encode()),
        waiting_since=now,
        created_at=now,
    )

    def write(session: Session) -> None:
        session.add(hook)
        record(session, app.id, "hook.created", f"{actor.name} added a {hook.provider} webhook.", now=now)

    await context.database.writing(write)
    return NewHookView(**hook_view(hook, context.settings, None).model_dump(), secret=secret)


@router.get("/webhook", dependencies=[READ])
async def first(app: AppDep, context: ContextDep) -> HookView:
    """The first of the app's webhooks, and whether it has been heard of."""
    return await context.database.reading(lambda session: _view(session, context, first_hook(session, app)))


@router.get("/webhooks/{hook_id}", dependencies=[READ])
async def show(app: AppDep, hook_id: str, context: ContextDep) -> HookView:
    """One webhook: what to enter where, and whether it has been heard of."""
    return await context.database.reading(lambda session: _view(session, context, hook_of(session, app, hook_id)))


@router.post("/webhook/rotate", dependencies=[WRITE])
async def rotate_first(app: AppDep, request: Request, context: ContextDep, actor: ActorDep) -> NewHookView:
    """A new secret for the first webhook, in this answer only. The old one is refused from now on."""
    hook = await context.database.reading(lambda session: first_hook(session, app))
    return await rotate(app, hook.id, request, context, actor)


@router.post("/webhooks/{hook_id}/rotate", dependencies=[WRITE])
async def rotate(app: AppDep, hook_id: str, request: Request, context: ContextDep, actor: ActorDep) -> NewHookView:
    """A new secret, in this answer only. The old one is refused from now on: enter the new one at the provider."""
    mark_once_shown(request, "secret")

    def renew(session: Session) -> NewHookView:
        hook = hook_of(session, app, hook_id)
        secret = new_secret(provider_named(hook.provider), hook.settings)
        hook.secret_encrypted = context.cipher.encrypt(secret.encode())
        session.add(hook)
        message = f"{actor.name} gave the {hook.provider} webhook a new secret."
        record(session, app.id, "hook.rotated", message, now=context.clock.now())
        return NewHookView(**_view(session, context, hook).model_dump(), secret=secret)

    return await context.database.writing(renew)


@router.post("/webhook/test", dependencies=[WRITE])
async def try_first(app: AppDep, context: ContextDep) -> HookTest:
    """A signed ping to the first webhook, see `/webhooks/{hook_id}/test`."""
    return await _tried(context, await context.database.reading(lambda session: first_hook(session, app)))


@router.post("/webhooks/{hook_id}/test", dependencies=[WRITE])
async def try_out(app: AppDep, hook_id: str, context: ContextDep) -> HookTest:
    """A ping, signed as the provider would, to ourselves through the public URL; and what came of it."""
    return await _tried(context, await context.database.reading(lambda session: hook_of(session, app, hook_id)))


@router.delete("/webhooks/{hook_id}", dependencies=[WRITE])
async def delete(
    app: AppDep,
    hook_id: str,
    context: ContextDep,
    actor: ActorDep,
    force: Annotated[bool, Query(description="Also where its provider does not let go of what was made there")] = False,
) -> Done:
    """Deliveries to its address are answered with 404 from now on. What `install` made at the provider is taken back."""
    now = context.clock.now()
    hook = await context.database.reading(lambda session: hook_of(session, app, hook_id))
    done = await take_back(context, app, hook, actor, force=force)

    def remove(session: Session) -> None:
        hook = hook_of(session, app, hook_id)
        hook.deleted_at = now
        session.add(hook)
        record(session, app.id, "hook.deleted", f"{actor.name} removed a {hook.provider} webhook.", now=now)

    await context.database.writing(remove)
    return Done(message=" ".join([*done, "The webhook is removed."]))


async def _installed(context: Context, app: App, actor: Actor, body: CreateHook) -> NewHookView:
    """Nobody needs to see the secret: it is at the provider already."""
    made = await install_hook(context, app, actor, deploy_key=body.deploy_key, ssh_url=body.ssh_url)
    hook = await context.database.reading(lambda session: session.get_one(Hook, made.hook.id))
    view = await context.database.reading(lambda session: _view(session, context, hook))
    return NewHookView(**view.model_dump(), secret=None, done=made.done)


def _view(session: Session, context: Context, hook: Hook) -> HookView:
    return hook_view(hook, context.settings, last_delivered(session, [hook.id]).get(hook.id))


async def _tried(context: Context, hook: Hook) -> HookTest:
    return HookTest(**vars(await try_hook(context, hook, hook_url(context.settings, hook))))
