"""A delivery is taken: its body received, its proof checked, what it says read, and all of that written down."""

from sqlalchemy import update
from sqlmodel import col
from starlette.requests import Request

from slipyard.domain.errors import Unauthorized
from slipyard.pipeline.context import Context
from slipyard.store.tables import Hook
from slipyard.webhooks.body import Body, received_body
from slipyard.webhooks.examine import Claim, Examined, check_proof, examine
from slipyard.webhooks.examine_large import examine_large
from slipyard.webhooks.large_bodies import large_bodies
from slipyard.webhooks.write_delivery import Taken, write_delivery

MAXIMUM_BYTES = 25 * 1024 * 1024  # what GitHub sends at most


async def take_delivery(context: Context, hook: Hook, claim: Claim, request: Request) -> Taken:
    """`Unauthorized` for a wrong proof, which the hook counts; `UserError` for a body that cannot be read."""
    try:
        if not claim.provider.proof(claim.settings).reads_body:
            check_proof(claim, b"")
        async with received_body(request, MAXIMUM_BYTES, large_bodies().held) as body:
            examined = await _examined(claim, body)
    except Unauthorized as error:
        await _count_rejected(context, hook.id, error.message)
        raise
    return await write_delivery(context, hook, examined)


async def _examined(claim: Claim, body: Body) -> Examined:
    if isinstance(body, bytes):
        return examine(claim, body)
    async with large_bodies().read():
        return await examine_large(claim, body)


async def _count_rejected(context: Context, hook_id: str, why: str) -> None:
    """Nothing of what a stranger sent is kept."""
    counted = {"rejected": Hook.rejected + 1, "rejected_at": context.clock.now(), "rejection": why}
    await context.database.writing(
        lambda session: session.execute(update(Hook).where(col(Hook.id) == hook_id).values(counted))
    )
