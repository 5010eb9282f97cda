"""How everything that starts, stops, builds or ships is answered, at once or when it is over."""

import asyncio
from typing import Annotated

from fastapi import Depends, Query, Response
from sqlmodel import Session

from slipyard.api.views.surroundings import surroundings
from slipyard.domain.app_status import app_status
from slipyard.domain.lifecycle import DeploymentStatus, is_over
from slipyard.domain.schemas.outgoing import Action
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.holds import HOLDS
from slipyard.pipeline.stop_app import ActionDone
from slipyard.pipeline.way_back.bring_image import THAWED
from slipyard.store.queries.deployments import WAITING
from slipyard.store.tables import App, Build, Deployment

_LOOK_SECONDS = 0.05
_LONGEST_WAIT = 3600.0


async def wait_seconds(
    wait: Annotated[
        float, Query(ge=0, le=_LONGEST_WAIT, description="Answer when it is over, or after so many seconds")
    ] = 0,
) -> float:
    return wait


WaitDep = Annotated[float, Depends(wait_seconds)]


async def deployment_answer(context: Context, row: Deployment, wait: float, response: Response) -> Action:
    """202 while it is under way; 200 with its outcome where the caller waited for it."""
    if wait:
        row = await _outcome(context, row, wait)
    response.status_code = 200 if is_over(row.status) else 202
    return deployment_action(row)


def deployment_action(row: Deployment) -> Action:
    over = is_over(row.status)
    return Action(
        success=row.status in {DeploymentStatus.ACTIVE, DeploymentStatus.SUPERSEDED} or not over,
        message=_sentence(row),
        app_id=row.app_id,
        status=str(row.status),
        deployment_id=row.id,
        release_id=row.release_id,
        build_id=row.build_id,
        way_back=row.way_back,
        beforehand=_beforehand(row),
    )


def build_action(row: Build) -> Action:
    message = f"Build {row.number} is {row.status}; it will not be deployed."
    return Action(message=message, app_id=row.app_id, status=str(row.status), build_id=row.id)


async def done_answer(context: Context, app: App, done: ActionDone, wait: float, response: Response) -> Action:
    """200 where it was so already."""
    if done.deployment_id is not None:
        return await deployment_answer(context, await _read(context, done.deployment_id), wait, response)
    response.status_code = 202 if done.changed else 200
    status = await context.database.reading(lambda session: _status(session, app.id))
    return Action(message=done.message, app_id=app.id, status=status)


async def _outcome(context: Context, row: Deployment, seconds: float) -> Deployment:
    deadline = context.clock.monotonic() + seconds
    while not is_over(row.status) and context.clock.monotonic() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)
        row = await _read(context, row.id)
    return row


async def _read(context: Context, deployment_id: str) -> Deployment:
    return await context.database.reading(lambda session: session.get_one(Deployment, deployment_id))


def _sentence(row: Deployment) -> str:
    if row.error:
        return row.error
    if row.status is DeploymentStatus.ACTIVE:
        how = f" Its instances were {row.way_back}." if row.way_back == THAWED else ""
        return f"Deployment {row.number} is live.{how}"
    if is_over(row.status):
        return f"Deployment {row.number} is {row.status}."
    if row.parked in HOLDS:
        return f"Deployment {row.number}: {row.progress}"
    return " ".join(filter(None, (f"Deployment {row.number} is on its way.", _beforehand(row))))


def _beforehand(row: Deployment) -> str | None:
    """Of what has not begun, `progress` says what it will cost; of what is held, what it waits for."""
    return row.progress if row.status in WAITING and row.parked is None else None


def _status(session: Session, app_id: str) -> str:
    app = session.get_one(App, app_id)
    return str(app_status(surroundings(session, [app])[app_id].facts)[0])
