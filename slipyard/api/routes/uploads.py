"""POST .../build: a directory as a tarball, streamed into a snapshot and never held in memory."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.action_answer import WaitDep, build_action, deployment_answer
from slipyard.api.streams.multipart_part import part_of
from slipyard.builder.snapshot import snapshot_from
from slipyard.domain.errors import TooLarge
from slipyard.domain.schemas.outgoing import Action
from slipyard.pipeline.deploy_app import deploy_upload

router = APIRouter(prefix="/apps/{app}", tags=["build and deploy"], route_class=GuardedRoute)
_FIELD = "source"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {_FIELD: {"type": "string", "format": "binary"}}}
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post("/build", status_code=202, dependencies=[requires("apps:deploy", streams=True)], openapi_extra=_BODY)
async def build(
    request: Request,
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
    deploy: Annotated[bool, Query(description="Whether to deploy what was built")] = True,
    title: Annotated[str, Query(max_length=255)] = "",
) -> Action:
    """`.tar`, `.tar.gz` or `.tar.zst`: as the multipart field `source`, or as the whole body.

    Under the same Idempotency-Key, what was uploaded first counts; later bodies are not compared with it.
    """
    body = counted(request.stream(), context.settings.max_upload_bytes)
    tar = part_of(body, request.headers.get("content-type", ""), _FIELD)
    snapshot = await snapshot_from(tar, context.layout.snapshots, durable=True)
    made, row = await deploy_upload(context, app.id, snapshot, deploy=deploy, actor=actor, title=title)
    if row is not None:
        return await deployment_answer(context, row, wait, response)
    return build_action(made)


async def counted(stream: AsyncIterator[bytes], maximum: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > maximum:
            raise TooLarge(
                f"The upload is larger than {maximum // (1024 * 1024)} MiB (SLIPYARD_MAX_UPLOAD_BYTES)."
                " List what the build does not need in .dockerignore."
            )
        yield chunk
