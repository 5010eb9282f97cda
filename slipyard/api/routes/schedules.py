"""Commands that run when a cron line says so, with what became of each run."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.schedule_view import run_view, schedule_view
from slipyard.domain.schemas.outgoing import Done
from slipyard.domain.schemas.schedule_shapes import (
    ChangeSchedule,
    CreateSchedule,
    RunLine,
    RunOutput,
    ScheduleList,
    ScheduleRunList,
    ScheduleRunView,
    ScheduleView,
)
from slipyard.pipeline.context import Context
from slipyard.pipeline.schedules.cancel_run import cancel_run
from slipyard.pipeline.schedules.run_output import run_output
from slipyard.pipeline.schedules.schedules import NewSchedule, change_schedule, make_schedule, remove_schedule
from slipyard.pipeline.schedules.write_run import ask_run
from slipyard.store.queries.paging import page
from slipyard.store.queries.schedules import find_schedule, run_of, runs_of, schedules_of
from slipyard.store.tables import App, Schedule

router = APIRouter(prefix="/apps/{app}/schedules", tags=["schedules"], route_class=GuardedRoute)
READ, DEPLOY = requires("apps:read"), requires("apps:deploy")


@router.get("", dependencies=[READ])
async def schedules(app: AppDep, context: ContextDep) -> ScheduleList:
    """By name, each with its last run and when it is due next."""

    def query(session: Session) -> list[ScheduleView]:
        return [schedule_view(session, row) for row in schedules_of(session, app.id)]

    views = await context.database.reading(query)
    return ScheduleList(schedules=views, total=len(views))


@router.post("", status_code=201, dependencies=[DEPLOY])
async def create(app: AppDep, body: CreateSchedule, context: ContextDep, actor: ActorDep) -> ScheduleView:
    """Each run has a container of its own of the release that is live then, with the app's environment and secret files."""
    return await _view(context, await make_schedule(context, app.id, NewSchedule(**body.model_dump()), actor))


@router.get("/{schedule}", dependencies=[READ])
async def read(app: AppDep, schedule: str, context: ContextDep) -> ScheduleView:
    """By id or name."""
    return await _view(context, await _find(context, app, schedule))


@router.patch("/{schedule}", dependencies=[DEPLOY])
async def change(
    app: AppDep, schedule: str, body: ChangeSchedule, context: ContextDep, actor: ActorDep
) -> ScheduleView:
    """Changes what is given; `enabled` pauses and resumes it. A run that is under way goes on as it began."""
    given = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name == "service"}
    return await _view(context, await change_schedule(context, app.id, schedule, changes, actor))


@router.delete("/{schedule}", dependencies=[DEPLOY])
async def delete(app: AppDep, schedule: str, context: ContextDep, actor: ActorDep) -> Done:
    """What runs is ended; history and output go with it."""
    name = await remove_schedule(context, app.id, schedule, actor)
    return Done(message=f"The schedule {name} is removed.")


@router.post("/{schedule}/run", status_code=202, dependencies=[DEPLOY])
async def run(app: AppDep, schedule: str, context: ContextDep, actor: ActorDep) -> ScheduleRunView:
    """Once, now, also where it is paused. 409 where the app has nothing live, or overlap forbids it."""
    return run_view(await ask_run(context, app.id, schedule, actor))


@router.get("/{schedule}/runs", dependencies=[READ])
async def runs(app: AppDep, schedule: str, context: ContextDep, window: WindowDep) -> ScheduleRunList:
    """Its history, newest first: the last hundred."""
    row = await _find(context, app, schedule)
    found, total = await context.database.reading(
        lambda session: page(session, runs_of(row.id), window.limit, window.offset)
    )
    return ScheduleRunList(runs=[run_view(each) for each in found], **window.frame(total, len(found)))


@router.get("/{schedule}/runs/{number}", dependencies=[READ])
async def one_run(app: AppDep, schedule: str, number: int, context: ContextDep) -> ScheduleRunView:
    """How it stands."""
    row = await _find(context, app, schedule)
    return run_view(await context.database.reading(lambda session: run_of(session, row, number)))


@router.get("/{schedule}/runs/{number}/logs", dependencies=[READ])
async def logs(
    app: AppDep,
    schedule: str,
    number: int,
    context: ContextDep,
    tail: Annotated[int, Query(ge=1, le=10_000, description="How many lines at the most")] = 1000,
) -> RunOutput:
    """What it wrote so far, or in all: a MiB of each attempt, of the last twenty of a schedule, for 30 days."""
    row = await _find(context, app, schedule)
    found = await context.database.reading(lambda session: run_of(session, row, number))
    lines = await run_output(context, found, tail)
    shown = [RunLine(at=line.timestamp, stream=line.stream, message=line.message) for line in lines]
    return RunOutput(run=run_view(found), lines=shown)


@router.post("/{schedule}/runs/{number}/cancel", dependencies=[DEPLOY])
async def cancel(app: AppDep, schedule: str, number: int, context: ContextDep, actor: ActorDep) -> ScheduleRunView:
    """Ends it within seconds. 409 where it is over."""
    return run_view(await cancel_run(context, app.id, schedule, number, actor))


async def _find(context: Context, app: App, schedule: str) -> Schedule:
    return await context.database.reading(lambda session: find_schedule(session, app, schedule))


async def _view(context: Context, row: Schedule) -> ScheduleView:
    return await context.database.reading(lambda session: schedule_view(session, row))
