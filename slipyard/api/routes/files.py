"""Files of an instance, in and out, as tar streams. They go with the instance: volumes are what lasts."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.errors import TooLarge
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.commands.copy_files import begin_copy_out, copy_in

PathDep = Annotated[
    str, Query(min_length=1, max_length=4096, pattern=r"^/[^\x00]*$", description="Absolute, inside it")
]
InstanceDep = Annotated[str | None, Query(min_length=4, max_length=40, description="Default: one that serves")]
router = APIRouter(
    prefix="/apps/{app}/files", tags=["run time"], route_class=GuardedRoute, dependencies=[requires("apps:deploy")]
)


@router.get("", response_class=StreamingResponse, responses={200: {"content": {"application/x-tar": {}}}})
async def read(
    app: AppDep, context: ContextDep, actor: ActorDep, path: PathDep, instance: InstanceDep = None
) -> StreamingResponse:
    """A tar of the file or directory. 404 where there is none; it breaks off above the cap of uploads."""
    content = await begin_copy_out(context, app.id, instance, path, actor)
    return StreamingResponse(content, media_type="application/x-tar", headers={"Cache-Control": "no-store"})


@router.put("", dependencies=[requires("apps:deploy", streams=True)])
async def write(
    app: AppDep, request: Request, context: ContextDep, actor: ActorDep, path: PathDep, instance: InstanceDep = None
) -> Done:
    """A tar, unpacked into a directory that is there. 413 above the cap of uploads: then nothing of the rest is unpacked."""
    content = _capped(request.stream(), context.settings.max_upload_bytes)
    async with aclosing(content):
        taken = await copy_in(context, app.id, instance, path, content, actor)
    return Done(message=f"{taken} bytes were unpacked into {path}.")


async def _capped(content: AsyncIterator[bytes], most: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for piece in content:
        size += len(piece)
        if size > most:
            raise TooLarge(
                f"More than {most} bytes cannot be copied at once (SLIPYARD_MAX_UPLOAD_BYTES). Copy in parts."
            )
        yield piece
