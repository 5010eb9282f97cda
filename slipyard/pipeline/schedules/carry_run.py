"""One step of a run that is open: its container is begun, looked at, or its end is written down.

Nobody waits beside it. The row says how far it is, the container's name comes from the row of the attempt, and what ran
once is not begun again: whoever carries on after a crash finds what there is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from slipyard.deployer.addresses import next_address
from slipyard.deployer.commands import CommandState
from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.errors import UserError
from slipyard.domain.ids import new_id
from slipyard.domain.schedule import RunStatus
from slipyard.pipeline.commands.run_command import MOST_AT_ONCE, end_command, service_for
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.instances import addresses_in_use, command_spec
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.pipeline.schedules.end_run import close_run
from slipyard.pipeline.schedules.run_output import keep_output
from slipyard.store.events import lock_app
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.queries.schedules import containers_of_app, containers_of_schedule
from slipyard.store.tables import App, OneOff, Schedule, ScheduleRun

GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class _Standing:
    run: ScheduleRun
    schedule: Schedule

    def is_over_time(self, now: datetime) -> bool:
        began, most = self.run.started_at, timedelta(seconds=self.schedule.timeout_seconds)
        return began is not None and now - began > most


async def carry_run(context: Context, run_id: str) -> None:
    standing = await context.database.reading(lambda session: _standing(session, run_id))
    if standing is None or standing.run.ended_at is not None:
        return
    if standing.run.status is RunStatus.WAITING:
        await _attempt(context, standing.run)
    elif standing.run.started_at is None:
        await _begin(context, standing.run)
    else:
        await _look(context, standing)


async def _attempt(context: Context, run: ScheduleRun) -> None:
    if run.not_before is not None and context.clock.now() < run.not_before:
        return
    await ensure_app_network(context, run.app_id)
    if await context.database.writing(lambda session: _written_down(session, context, run.id)):
        await _begin(context, await context.database.reading(lambda session: session.get_one(ScheduleRun, run.id)))


async def _begin(context: Context, run: ScheduleRun) -> None:
    """An engine that is away is asked again by the next pass; a command that cannot be started has failed."""
    try:
        spec = await context.database.reading(lambda session: _spec(session, context, run))
        await context.driver.begin_command(spec)
    except UserError as error:
        await _ended(context, run, None, f"It could not be started. {error.message}")
        return
    await context.database.writing(lambda session: _began(session, context, run.id))


async def _look(context: Context, standing: _Standing) -> None:
    run = standing.run
    state = await context.driver.command_state(run.one_off_id or "")
    if state is None:
        await _ended(context, run, None, "Its container was removed from outside before it had ended.")
    elif not state.running:
        await _ended(context, run, state.exit_code, _how(state))
    elif standing.is_over_time(context.clock.now()):
        await context.driver.stop_command(run.one_off_id or "", GRACE_SECONDS)
        await _ended(
            context, run, None, f"It did not end within {standing.schedule.timeout_seconds:g} s and was stopped."
        )


async def _ended(context: Context, run: ScheduleRun, exit_code: int | None, reason: str | None) -> None:
    """`reason` None: it succeeded. The decision is written before its container goes, or nobody would know how it ended."""
    await keep_output(context, run)
    await context.database.writing(lambda session: _decide(session, context, run.id, exit_code, reason))
    if run.one_off_id is not None:
        await end_command(context, run.one_off_id, exit_code)


def _decide(session: Session, context: Context, run_id: str, exit_code: int | None, reason: str | None) -> None:
    run = session.get(ScheduleRun, run_id)
    if run is None:
        return
    lock_app(session, run.app_id)
    session.refresh(run)
    if run.status is not RunStatus.RUNNING:
        return  # somebody cancelled or replaced it meanwhile
    schedule = session.get_one(Schedule, run.schedule_id)
    run.exit_code = exit_code
    if session.get_one(App, run.app_id).deleting_at is not None:
        close_run(session, context, run, RunStatus.CANCELLED, "Its app was deleted.")
    elif reason is None:
        close_run(session, context, run, RunStatus.SUCCEEDED, None)
    elif run.attempt > schedule.retries:
        of = f" This was attempt {run.attempt} of {schedule.retries + 1}." if schedule.retries else ""
        close_run(session, context, run, RunStatus.FAILED, reason + of)
    else:
        run.status, run.started_at = RunStatus.WAITING, None
        run.not_before = context.clock.now() + timedelta(seconds=schedule.retry_seconds)
        again = f"The next begins in {schedule.retry_seconds:g} s."
        run.reason = f"Attempt {run.attempt} of {schedule.retries + 1}: {reason} {again}"
        session.add(run)


def _written_down(session: Session, context: Context, run_id: str) -> bool:
    """The next attempt, with an address of its own; False where it has to wait, or will never run."""
    run = session.get(ScheduleRun, run_id)
    if run is None:
        return False
    app = session.get_one(App, run.app_id, with_for_update=True)
    session.refresh(run)
    if run.status is not RunStatus.WAITING or _must_wait(session, run):
        return False
    active = active_deployment(session, app.id)
    if app.stopped or active is None or active.release_id is None:
        close_run(session, context, run, RunStatus.SKIPPED, f"Nothing of {app.slug} runs any more.")
        return False
    app.last_address = next_address(app.subnet or "", app.last_address, addresses_in_use(session, app.id))
    row = OneOff(
        id=new_id("run"),
        app_id=app.id,
        release_id=active.release_id,
        deployment_id=active.id,
        address=app.last_address,
        command=session.get_one(Schedule, run.schedule_id).command,
        schedule_run_id=run.id,
        actor="schedule",
        holder=str(context.holder),
        created_at=context.clock.now(),
    )
    run.status, run.attempt, run.one_off_id = RunStatus.RUNNING, run.attempt + 1, row.id
    session.add_all([app, row, run])
    return True


def _must_wait(session: Session, run: ScheduleRun) -> bool:
    """For the container of a run that it replaces, or for a place: an app has ten for commands."""
    others = [row for row in containers_of_schedule(session, run.schedule_id) if row.schedule_run_id == run.id]
    replaced = [row for row in containers_of_schedule(session, run.schedule_id) if _is_replaced(session, row)]
    return bool(others or replaced) or len(containers_of_app(session, run.app_id)) >= MOST_AT_ONCE


def _is_replaced(session: Session, row: OneOff) -> bool:
    run = session.get(ScheduleRun, row.schedule_run_id)
    return run is None or run.status is RunStatus.REPLACED


def _began(session: Session, context: Context, run_id: str) -> None:
    run = session.get(ScheduleRun, run_id)
    if run is not None and run.status is RunStatus.RUNNING and run.started_at is None:
        run.started_at = context.clock.now()
        session.add(run)


def _spec(session: Session, context: Context, run: ScheduleRun) -> InstanceSpec:
    row, schedule = session.get_one(OneOff, run.one_off_id), session.get_one(Schedule, run.schedule_id)
    rollout = load_rollout(session, context, row.deployment_id)
    app = session.get_one(App, run.app_id)
    return command_spec(rollout, service_for(app, rollout.config.services, schedule.service), row)


def _standing(session: Session, run_id: str) -> _Standing | None:
    run = session.get(ScheduleRun, run_id)
    return None if run is None else _Standing(run, session.get_one(Schedule, run.schedule_id))


def _how(state: CommandState) -> str | None:
    if state.out_of_memory:
        return "It used more memory than it may and was killed. Give its service more, or let it use less."
    return None if state.exit_code == 0 else f"It exited with code {state.exit_code}."
