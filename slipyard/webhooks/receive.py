"""POST /webhooks/{provider}/{hook}. Mounted by the API, whose guard and error envelope stand around it."""

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from slipyard.pipeline.context import Context
from slipyard.store.queries.hooks import find_hook
from slipyard.store.tables import Hook
from slipyard.webhooks.accept import take_delivery
from slipyard.webhooks.address import split_address
from slipyard.webhooks.examine import Claim
from slipyard.webhooks.proof import PATH_SECRET
from slipyard.webhooks.providers import provider_named
from slipyard.webhooks.verdicts import verdicts


async def receive(context: Context, provider_name: str, address: str, request: Request) -> Response:
    """202 where something will be deployed or is not decided yet, else 200 with the reason; 200 too for one sent before."""
    hook, claim = await _claim(context, provider_name, address, request)
    taken = await take_delivery(context, hook, claim, request)
    answers = await verdicts(context, hook, taken)
    for verdict in answers if taken.again else ():
        verdict["message"] = f"This delivery was received before and counts once. {verdict['message']}"
    accepted = any(verdict["status"] in {"deployed", "accepted"} for verdict in answers) and not taken.again
    return JSONResponse(answers, 202 if accepted else 200)


async def _claim(context: Context, provider_name: str, address: str, request: Request) -> tuple[Hook, Claim]:
    provider = provider_named(provider_name)
    hook_id, path_secret = split_address(address)
    hook = await context.database.reading(lambda session: find_hook(session, hook_id, provider.name))
    proof = provider.proof(hook.settings)
    looked_at = (*provider.kept_headers, *proof.also_reads, proof.header)
    headers = {name: request.headers[name] for name in looked_at if name in request.headers and name != PATH_SECRET}
    if path_secret:
        headers[PATH_SECRET] = path_secret
    return hook, Claim(provider, hook.settings, headers, context.cipher.decrypt(hook.secret_encrypted))
