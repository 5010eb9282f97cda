"""git over HTTP: discovery, fetch and push (gitprotocol-http(5)). The dumb protocol is refused."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.gitserver.outbox import Outbox
from slipyard.api.gitserver.pkt_line import FLUSH, KEEPALIVE, packet
from slipyard.api.gitserver.push_request import read_push_request
from slipyard.api.gitserver.push_session import OPTIONS, PushSession
from slipyard.api.gitserver.refusal_report import refusal_report, why_too_many
from slipyard.api.gitserver.repositories import clone_target, empty_repository, make_app, prepare, push_target
from slipyard.api.gitserver.request_body import decoded_body
from slipyard.api.gitserver.service_process import Service, ServiceCall, ServiceProcess
from slipyard.domain.errors import Conflict, InsufficientScope
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_notes import PushNote
from slipyard.pipeline.pushes.stored_push import AskedPush

MIB = 1024 * 1024
_MAXIMUM_NEGOTIATION = 16 * MIB
_ABOVE_THE_PACK = MIB  # so that git itself says that the pack is too large
_KEEPALIVE_SECONDS = 5.0
_NO_CACHE = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "Pragma": "no-cache", "Expires": "0"}

router = APIRouter(route_class=GuardedRoute, prefix="/git/{repository}", tags=["git"], include_in_schema=False)
_sessions: set[asyncio.Task[None]] = set()


@router.get("/info/refs", dependencies=[requires("apps:read")])
async def discover(
    repository: str,
    request: Request,
    context: ContextDep,
    actor: ActorDep,
    service: Annotated[str | None, Query()] = None,
) -> Response:
    protocol = request.headers.get("git-protocol")
    match service:
        case "git-upload-pack":
            app = await clone_target(context, actor, repository)
            return await _advertise(ServiceCall(service, await prepare(context, app), 0, protocol, advertise=True))
        case "git-receive-pack":
            try:
                target = await push_target(context, actor, repository)
            except Conflict as refusal:
                return _refused(service, refusal.message)
            path = await (prepare(context, target.app) if target.app else empty_repository(context))
            limit = context.settings.max_push_bytes
            return await _advertise(ServiceCall(service, path, limit, None, advertise=True))
    raise InsufficientScope("Only the smart protocol of git is spoken here: use git 1.6.6 or later.")


@router.post("/git-upload-pack", dependencies=[requires("apps:read", changes=False, streams=True)])
async def fetch(repository: str, request: Request, context: ContextDep, actor: ActorDep) -> Response:
    app = await clone_target(context, actor, repository)
    body = b"".join([piece async for piece in decoded_body(request, _MAXIMUM_NEGOTIATION)])
    call = ServiceCall("git-upload-pack", await prepare(context, app), 0, request.headers.get("git-protocol"))
    process = await ServiceProcess.start(call)
    return StreamingResponse(_conversation(process, body), headers=_headers("git-upload-pack", "result"))


@router.post("/git-receive-pack", dependencies=[requires("apps:deploy", streams=True)])
async def push(repository: str, request: Request, context: ContextDep, actor: ActorDep) -> Response:
    target = await push_target(context, actor, repository)
    body = decoded_body(request, context.settings.max_push_bytes + _ABOVE_THE_PACK)
    wanted, everything = await read_push_request(body)
    headers = _headers("git-receive-pack", "result")
    if not wanted.updates:  # how git asks whether a large push would be let in
        return Response(b"", headers=headers)
    too_many = why_too_many(wanted, context.settings.max_push_objects)
    if too_many is not None:
        async for _ in everything:  # a client that is still sending reads no answer
            pass
        return Response(refusal_report(wanted, too_many), headers=headers)
    app = target.app or await make_app(context, actor, target.slug, wanted.new_branches)
    path = await prepare(context, app)
    asked = AskedPush(app.id, actor.name, wanted.updates, sorted(wanted.options & OPTIONS))
    note, process = await _begun(context, asked, path)
    _start(PushSession(context, app, asked, note, path, wanted, process, outbox := Outbox()))
    try:
        await process.feed(everything)
    except BaseException:
        await process.stop()
        raise
    keepalive = KEEPALIVE if wanted.shows_progress else b""
    return StreamingResponse(outbox.read(keepalive, _KEEPALIVE_SECONDS), headers=headers)


async def _begun(context: Context, asked: AskedPush, path: Path) -> tuple[PushNote, ServiceProcess]:
    """Noted first: what git has stored then is found, whatever becomes of this process."""
    note = await asyncio.to_thread(PushNote.write, context.layout, asked)
    try:
        call = ServiceCall("git-receive-pack", path, context.settings.max_push_bytes)
        return note, await ServiceProcess.start(call)
    except BaseException:
        note.decided()
        note.close()
        raise


def _start(session: PushSession) -> None:
    task = asyncio.create_task(session.run())
    _sessions.add(task)
    task.add_done_callback(_sessions.discard)


async def _conversation(process: ServiceProcess, body: bytes) -> AsyncIterator[bytes]:
    feeding = asyncio.create_task(process.feed(_once(body)))
    try:
        async for chunk in process.output():
            yield chunk
        await feeding
    finally:
        feeding.cancel()
        await process.stop()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _advertise(call: ServiceCall) -> Response:
    process = await ServiceProcess.start(call)
    refs = b"".join([chunk async for chunk in _conversation(process, b"")])
    speaks_2 = call.environment().get("GIT_PROTOCOL", "").startswith("version=2")
    greeting = b"" if speaks_2 else packet(f"# service={call.service}\n".encode()) + FLUSH
    return Response(greeting + refs, headers=_headers(call.service, "advertisement"))


def _refused(service: Service, reason: str) -> Response:
    """As git's own servers say no: the client prints `remote error: <reason>`."""
    body = packet(f"# service={service}\n".encode()) + FLUSH + packet(f"ERR {reason}\n".encode())
    return Response(body, headers=_headers(service, "advertisement"))


def _headers(service: Service, kind: str) -> dict[str, str]:
    return {"Content-Type": f"application/x-{service}-{kind}", **_NO_CACHE}
