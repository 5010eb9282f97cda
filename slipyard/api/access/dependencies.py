"""What a route asks for by type: the context, who asks, and the app that the path names."""

from typing import Annotated, cast

from fastapi import Depends, Path, Request

from slipyard.domain.actor import Actor
from slipyard.pipeline.context import Context
from slipyard.store.queries.apps import find_seen_app
from slipyard.store.tables import App


async def context_of(request: Request) -> Context:
    return cast(Context, request.app.state.context)


async def actor_of(request: Request) -> Actor:
    return cast(Actor, request.scope["slipyard.actor"])


ContextDep = Annotated[Context, Depends(context_of)]
ActorDep = Annotated[Actor, Depends(actor_of)]


async def app_in_path(
    app: Annotated[str, Path(description="Id or slug of the app", examples=["my-shop"], max_length=100)],
    context: ContextDep,
    actor: ActorDep,
) -> App:
    """`NotFound` also for apps of other organizations, and for all but one where the token is bound to one."""
    return await context.database.reading(lambda session: find_seen_app(session, actor, app))


AppDep = Annotated[App, Depends(app_in_path)]
