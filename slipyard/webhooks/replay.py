"""A delivery that was written down is decided anew, as a delivery of its own that says which one it repeats."""

from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from slipyard.domain.errors import Conflict
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.deliveries import find_delivery
from slipyard.store.tables import App, Delivery
from slipyard.webhooks.decide import Verdict, decide_delivery


@dataclass(frozen=True)
class Replay:
    delivery_id: str
    verdicts: list[Verdict]


async def replay_delivery(context: Context, app: App, delivery_id: str, actor_name: str, *, force: bool) -> Replay:
    """What is live stays as it is, unless `force`. `Conflict` where retention took the body."""
    write = partial(_write, context=context, app=app, delivery_id=delivery_id, actor_name=actor_name, force=force)
    replay_id = await context.database.writing(write)
    return Replay(replay_id, await decide_delivery(context, replay_id))


def _write(session: Session, context: Context, app: App, delivery_id: str, actor_name: str, *, force: bool) -> str:
    first, now = find_delivery(session, app.id, delivery_id).delivery, context.clock.now()
    if not first.body and first.body_bytes:
        raise Conflict(
            f"The body of {delivery_id} is not kept any more, so that it cannot be read again. Send it again from the"
            " provider, or deploy with `slipyard deploy`."
        )
    replay_id = new_id("dlv")
    session.add(
        Delivery(
            id=replay_id,
            hook_id=first.hook_id,
            app_id=first.app_id,
            provider_id=f"replay:{replay_id}",
            event=first.event,
            headers=first.headers,
            body=first.body,
            body_bytes=first.body_bytes,
            body_digest=first.body_digest,
            replay_of=first.id,
            forced=force,
            received_at=now,
        )
    )
    record(session, app.id, "delivery.replayed", f"{actor_name} replayed delivery {first.id}.", now=now)
    return replay_id
