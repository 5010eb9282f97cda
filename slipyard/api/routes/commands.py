"""Commands in an app: in a container of their own of the release that is live, or beside what runs in an instance."""

from contextlib import AsyncExitStack
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.streams.command_session import (
    KEEPALIVE,
    MEDIA_TYPE,
    CommandAnswer,
    CommandSession,
    CommandSessions,
    command_lines,
)
from slipyard.api.streams.sse import kept_alive
from slipyard.clients.container_commands import Terminal
from slipyard.domain.health import arguments
from slipyard.domain.schemas.command_shapes import InputTaken, RunCommand, SignalCommand, TerminalSize
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.commands.choose_instance import chosen_instance
from slipyard.pipeline.commands.run_command import CommandAsked, run_command
from slipyard.webhooks.raw_body import read_capped

_MOST_INPUT = 1024 * 1024
router = APIRouter(
    prefix="/apps/{app}/exec",
    tags=["run time"],
    route_class=GuardedRoute,
    dependencies=[requires("apps:deploy")],
)


async def sessions_of(request: Request) -> CommandSessions:
    return cast(CommandSessions, request.app.state.command_sessions)


SessionsDep = Annotated[CommandSessions, Depends(sessions_of)]


async def session_in_path(session: str, app: AppDep, actor: ActorDep, sessions: SessionsDep) -> CommandSession:
    return sessions.find(session, app.id, actor.principal)


SessionDep = Annotated[CommandSession, Depends(session_in_path)]


@router.post("", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
async def execute(
    body: RunCommand, app: AppDep, context: ContextDep, actor: ActorDep, sessions: SessionsDep
) -> Response:
    """Streams what happens as JSON lines: `started` with the session, `output`, at the end `ended` with the exit code.
    The command ends when the caller goes away; a container of its own is removed then. Both are in the app's events."""
    inside = body.inside or body.instance is not None
    instance = (
        await context.database.reading(lambda session: chosen_instance(session, app, body.instance)) if inside else None
    )
    asked = CommandAsked(arguments(body.command), _terminal(body.terminal), instance, body.service)
    held = AsyncExitStack()
    run = await held.enter_async_context(run_command(context, app.id, asked, actor))
    session = CommandSession(run, app.id, actor.principal)
    sessions.add(session)
    held.callback(sessions.remove, session)
    if not body.input:
        await run.command.stream.end_input()
    return CommandAnswer(kept_alive(command_lines(run, body.seconds), KEEPALIVE), held)


@router.post("/{session}/input", dependencies=[requires("apps:deploy", streams=True)])
async def send_input(
    session: SessionDep,
    request: Request,
    offset: Annotated[
        int | None, Query(ge=0, description="Where these bytes begin; a piece sent again counts once")
    ] = None,
    end: Annotated[bool, Query(description="Nothing comes after them")] = False,
) -> InputTaken:
    """Bytes for the standard input, at most 1 MiB at once. Answers when the command's side has taken them."""
    return InputTaken(offset=await session.feed(offset, await read_capped(request, _MOST_INPUT), end=end))


@router.post("/{session}/resize")
async def resize(session: SessionDep, body: TerminalSize) -> Done:
    """The window has another size now."""
    await session.run.command.resize(Terminal(body.rows, body.columns))
    return Done(message=f"The terminal has {body.rows} rows of {body.columns} characters.")


@router.post("/{session}/signal")
async def signal(session: SessionDep, body: SignalCommand) -> Done:
    """Sends a signal to it, where its process can be reached."""
    reached = await session.run.command.signal(body.signal)
    text = (
        f"SIG{body.signal} was sent."
        if reached
        else "Its process cannot be reached from here. Type Ctrl-C into its terminal."
    )
    return Done(success=reached, message=text)


def _terminal(size: TerminalSize | None) -> Terminal | None:
    return None if size is None else Terminal(size.rows, size.columns)
