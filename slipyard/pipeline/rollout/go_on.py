"""Deployments that wait without a worker: taken up again when what they wait for has come, or when somebody cancels."""

from sqlmodel import Session, col, select

from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.canary import CANARY
from slipyard.pipeline.rollout.holds import HOLDS, hold_of, look_again
from slipyard.pipeline.rollout.judge_canary import CanaryWatch, judge
from slipyard.pipeline.rollout.recreate import OLD_ENDED
from slipyard.pipeline.rollout.standing import standing
from slipyard.store.claims import unpark
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS
from slipyard.store.tables import App, Deployment

_IS_OPEN = col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS)


async def go_on(context: Context, watch: CanaryWatch) -> None:
    """One pass. Whoever was taken up by mistake finds from the rows that it must wait on."""
    rows = await context.database.reading(_parked)
    watch.forget_others({row.id for row in rows if row.parked == CANARY})
    for row in rows:
        if row.parked in HOLDS:
            if await _is_let_go(context, row):
                await context.queue.wake("deploy", row.id)
            continue
        evidence = await judge(context, watch, row) if row.parked == CANARY and row.cancel_reason is None else None
        if evidence is not None or row.cancel_reason is not None or await _has_come(context, row):
            await _take_up(context, row, evidence)


async def _has_come(context: Context, row: Deployment) -> bool:
    if row.parked == OLD_ENDED:
        now = await context.database.reading(lambda session: standing(session, row.app_id, row.id))
        return not now.leaving
    return row.parked_until is None or context.clock.now() >= row.parked_until


async def _is_let_go(context: Context, row: Deployment) -> bool:
    """Only what has another reason than before is written."""
    app = await context.database.reading(lambda session: session.get_one(App, row.app_id))
    hold = hold_of(app, row, context.clock.now())
    return (hold is None or hold.reason != row.progress) and await look_again(context, row.id)


async def _take_up(context: Context, row: Deployment, evidence: str | None) -> None:
    await context.database.writing(lambda session: unpark(session, row.id, evidence))
    await context.queue.wake("deploy", row.id)


def _parked(session: Session) -> list[Deployment]:
    return list(session.exec(select(Deployment).where(col(Deployment.parked).is_not(None), _IS_OPEN)).all())
