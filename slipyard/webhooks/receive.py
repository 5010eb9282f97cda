"""POST /webhooks/{provider}/{hook}. Mounted by the API, whose guard and error envelope stand around it."""

from dataclasses import asdict

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from slipyard.pipeline.context import Context
from slipyard.store.queries.hooks import find_hook
from slipyard.webhooks.accept import take_delivery
from slipyard.webhooks.decide import decide_delivery
from slipyard.webhooks.providers import provider_named
from slipyard.webhooks.raw_body import read_capped

MAXIMUM_BYTES = 25 * 1024 * 1024  # what GitHub sends at most


async def receive(context: Context, provider_name: str, hook_id: str, request: Request) -> Response:
    """202 where something will be deployed, else 200 with the reason; 200 too for a delivery that was sent before."""
    provider = provider_named(provider_name)
    hook = await context.database.reading(lambda session: find_hook(session, hook_id, provider.name))
    body = await read_capped(request, MAXIMUM_BYTES)
    taken = await take_delivery(context, hook, provider, request.headers, body)
    verdict = asdict(await decide_delivery(context, taken.delivery_id))
    if taken.again:
        verdict["message"] = f"This delivery was received before and counts once. {verdict['message']}"
    accepted = verdict["status"] == "deployed" and not taken.again
    return JSONResponse([verdict], 202 if accepted else 200)
