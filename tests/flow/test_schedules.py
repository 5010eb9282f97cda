"""Commands on cron lines: each time once, whatever overlaps, fails, was missed or dies in between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.docker import names
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Conflict, Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.schedule import Overlap, RunCause, RunStatus
from slipyard.pipeline.commands.end_commands import end_commands
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.schedules.cancel_run import cancel_run
from slipyard.pipeline.schedules.from_repository import take_schedules
from slipyard.pipeline.schedules.keep_schedules import keep_schedules
from slipyard.pipeline.schedules.run_output import run_output
from slipyard.pipeline.schedules.schedules import (
    NewSchedule,
    change_schedule,
    make_schedule,
    remove_schedule,
)
from slipyard.pipeline.schedules.write_run import ask_run
from slipyard.pipeline.stop_app import stop_app
from slipyard.store.queries.schedules import schedules_of
from slipyard.store.tables import App, Event, OneOff, Schedule, ScheduleRun
from tests.flow.rollouts import Nth, doomed
from tests.flow.system import System

IMAGE = "registry.test/shop:1"
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GONE = RuntimeError("the process is gone")


class Time:
    """The wall clock, where a test puts it."""

    def __init__(self, system: System) -> None:
        self.now = NOON
        system.clock.now = lambda: self.now  # type: ignore[method-assign]


@pytest.fixture
def time(system: System) -> Time:
    return Time(system)


@pytest.fixture
async def app_id(system: System, time: Time) -> str:
    commands = (
        ("works", Behaviour(exits_after=0.0, output=("did it",))),
        ("fails", Behaviour(exits_after=0.0, exit_code=3, output=("oh no",))),
        ("hungry", Behaviour(exits_after=0.0, exit_code=137, out_of_memory=True)),
        ("lasts", Behaviour(output=("still at it",))),
    )
    system.engine.publish(IMAGE, Behaviour(by_command=commands))
    config = AppConfig.model_validate(
        {"source": {"type": "image", "image": IMAGE}, "health_check": HealthCheck(start_period=1)}
    )
    app = (await create_app(system.context, NewApp("shop", config=config), system.actor)).app
    await system.settle()
    return app.id


async def make(system: System, app_id: str, word: str = "works", **fields: Any) -> Schedule:
    new = NewSchedule("nightly", "0 * * * *", (word,), **fields)
    return await make_schedule(system.context, app_id, new, system.actor)


async def settled(system: System, passes: int = 4) -> list[ScheduleRun]:
    """What simulated commands need to end are turns of the loop, and each pass has many."""
    for _ in range(passes):
        await keep_schedules(system.context)
        await system.clock.sleep(0.01)
    return runs(system)


def runs(system: System) -> list[ScheduleRun]:
    return system.read(lambda session: list(session.exec(select(ScheduleRun).order_by(ScheduleRun.number))))


def statuses(found: list[ScheduleRun]) -> list[RunStatus]:
    return [run.status for run in found]


async def containers(system: System) -> list[str]:
    """Of commands: their program."""
    labels = {names.INSTALLATION: system.context.installation_id}
    return [state.name for state in await system.engine.containers(labels) if names.COMMAND in state.labels]


def said(system: System, app_id: str) -> list[str]:
    query = select(Event).where(Event.app_id == app_id).order_by(Event.sequence)
    return [row.message for row in system.read(lambda session: session.exec(query).all()) if "schedule" in row.kind]


async def test_without_a_live_release_a_run_is_skipped_and_says_why(system: System, time: Time) -> None:
    app = (await create_app(system.context, NewApp("new"), system.actor)).app
    await make(system, app.id)
    with pytest.raises(Conflict, match="Nothing of new is live"):
        await ask_run(system.context, app.id, "nightly", system.actor)
    for _ in range(2):
        time.now += HOUR
        found = await settled(system)
    assert statuses(found) == [RunStatus.SKIPPED] * 2
    assert len([message for message in said(system, app.id) if "was skipped" in message]) == 1, "said once in a row"


async def test_a_stopped_app_runs_nothing(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id)
    await stop_app(system.context, app_id, system.actor)
    time.now += HOUR
    (run,) = await settled(system)
    assert (run.status, run.reason) == (RunStatus.SKIPPED, "shop is stopped; `slipyard start` starts it.")


async def test_it_runs_each_time_once_and_keeps_its_output(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id)
    assert await settled(system) == [], "it is not due yet"
    for _ in range(3):
        time.now += HOUR
        await settled(system)
    found = runs(system)
    assert statuses(found) == [RunStatus.SUCCEEDED] * 3
    assert [run.due_at for run in found] == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]
    assert {run.cause for run in found} == {RunCause.DUE}
    assert [line.message for line in await run_output(system.context, found[0])] == ["did it"]
    assert await containers(system) == []
    assert not [message for message in said(system, app_id) if "Run" in message], "success is in the history alone"


async def test_a_failure_is_tried_again_and_then_said(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id, "fails", retries=1, retry_seconds=30)
    time.now += HOUR
    (run,) = await settled(system)
    assert (run.status, run.attempt) == (RunStatus.WAITING, 1)
    assert "The next begins in 30 s." in (run.reason or "")
    time.now += timedelta(seconds=31)
    (run,) = await settled(system)
    assert (run.status, run.attempt, run.exit_code) == (RunStatus.FAILED, 2, 3)
    assert [line.message for line in await run_output(system.context, run)] == ["oh no", "oh no"]
    assert said(system, app_id)[-1] == (
        "Run 1 of the schedule nightly failed: It exited with code 3. This was attempt 2 of 2."
    )


async def test_memory_and_time_have_an_end(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id, "hungry", timeout_seconds=60)
    await ask_run(system.context, app_id, "nightly", system.actor)
    (hungry,) = await settled(system)
    await change_schedule(system.context, app_id, "nightly", {"command": ("lasts",)}, system.actor)
    await ask_run(system.context, app_id, "nightly", system.actor)
    await settled(system)
    time.now += timedelta(seconds=61)
    _, late = await settled(system)
    assert "more memory than it may" in (hungry.reason or "")
    assert (late.status, late.reason) == (RunStatus.FAILED, "It did not end within 60 s and was stopped.")
    assert await containers(system) == []


@pytest.mark.parametrize(
    ("overlap", "after", "left"),
    [
        (Overlap.FORBID, [RunStatus.RUNNING, RunStatus.SKIPPED], 1),
        (Overlap.ALLOW, [RunStatus.RUNNING, RunStatus.RUNNING], 2),
        (Overlap.REPLACE, [RunStatus.REPLACED, RunStatus.RUNNING], 1),
    ],
)
async def test_what_overlaps_is_as_the_schedule_says(
    system: System, time: Time, app_id: str, overlap: Overlap, after: list[RunStatus], left: int
) -> None:
    await make(system, app_id, "lasts", overlap=overlap, timeout_seconds=86_400)
    for _ in range(2):
        time.now += HOUR
        found = await settled(system)
    assert statuses(found) == after
    assert len(await containers(system)) == left
    if overlap is Overlap.REPLACE:
        assert [line.message for line in await run_output(system.context, found[0])] == ["still at it"]


async def test_what_was_missed_is_made_up_for_once_and_said(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id)
    time.now += 6 * HOUR + timedelta(minutes=10)
    (run,) = await settled(system)
    assert (run.status, run.cause, run.due_at) == (RunStatus.SUCCEEDED, RunCause.MISSED, NOON + 6 * HOUR)
    assert "It was due 6 times" in said(system, app_id)[-1]
    time.now += timedelta(minutes=50)
    assert statuses(await settled(system)) == [RunStatus.SUCCEEDED] * 2


async def test_somebody_runs_pauses_cancels_and_removes_one(system: System, time: Time, app_id: str) -> None:
    context, actor = system.context, system.actor
    await make(system, app_id, "lasts", enabled=False)
    time.now += HOUR
    assert await settled(system) == []
    asked = await ask_run(context, app_id, "nightly", actor)
    await settled(system)
    with pytest.raises(Conflict, match="Run 1 has not ended"):
        await ask_run(context, app_id, "nightly", actor)
    await cancel_run(context, app_id, "nightly", asked.number, actor)
    (run,) = await settled(system)
    assert (run.status, run.actor, await containers(system)) == (RunStatus.CANCELLED, actor.name, [])
    with pytest.raises(Conflict, match="is over"):
        await cancel_run(context, app_id, "nightly", asked.number, actor)

    await ask_run(context, app_id, "nightly", actor)
    await settled(system)
    await remove_schedule(context, app_id, "nightly", actor)
    await settled(system)
    assert (runs(system), await containers(system)) == ([], [])


async def test_a_container_that_somebody_removes_is_a_failure(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id, "lasts")
    await ask_run(system.context, app_id, "nightly", system.actor)
    await settled(system)
    (name,) = await containers(system)
    await system.engine.remove(name)
    (run,) = await settled(system)
    assert (run.status, run.reason) == (
        RunStatus.FAILED,
        "Its container was removed from outside before it had ended.",
    )


async def test_an_engine_that_is_away_is_asked_again(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id)
    time.now += HOUR
    system.engine.fail_next("create_container", Unavailable("The engine is away."), times=2)
    assert statuses(await settled(system, 6)) == [RunStatus.SUCCEEDED]


@pytest.mark.parametrize(("at", "nth"), [("begin_command", 1), ("command_state", 1), ("remove_command", 1)])
@pytest.mark.parametrize("after", [False, True])
async def test_a_leader_that_dies_leaves_a_run_that_happens_once(
    system: System, time: Time, app_id: str, at: str, nth: int, after: bool
) -> None:
    await make(system, app_id)
    time.now += HOUR
    dying = doomed(system, "driver", Nth(system.context.driver, at, nth, GONE, after))
    for _ in range(3):
        await keep_schedules(dying)
        await system.clock.sleep(0.01)
    (run,) = await settled(system)
    assert (run.status, run.attempt) == (RunStatus.SUCCEEDED, 1)
    assert [line.message for line in await run_output(system.context, run)] == ["did it"]
    assert await containers(system) == []


async def test_nobody_else_ends_the_container_of_a_run(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id, "lasts")
    await ask_run(system.context, app_id, "nightly", system.actor)
    await settled(system)
    await end_commands(system.context)
    await system.control("heal", "commands")
    assert len(await containers(system)) == 1


async def test_a_deleted_app_takes_its_schedules_and_runs_along(system: System, time: Time, app_id: str) -> None:
    await make(system, app_id, "lasts")
    await ask_run(system.context, app_id, "nightly", system.actor)
    await settled(system)
    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    for _ in range(5):
        await system.control("schedules", "commands", "drain", "clean_up")
    assert system.read(lambda session: session.get_one(App, app_id).deleted_at) is not None
    assert system.read(lambda session: (schedules_of(session, app_id), list(session.exec(select(ScheduleRun))))) == (
        [],
        [],
    )
    assert system.read(lambda session: [row.ended_at is None for row in session.exec(select(OneOff))]) == [False]


async def test_the_repository_names_schedules_and_takes_them_away(system: System, time: Time, app_id: str) -> None:
    def take(*wanted: NewSchedule) -> list[Schedule]:
        with system.context.database.write() as session:
            take_schedules(session, system.context, session.get_one(App, app_id), wanted)
        return system.read(lambda session: schedules_of(session, app_id))

    await make(system, app_id)
    mine = NewSchedule("nightly", "1 1 * * *", "x")
    theirs = NewSchedule("weekly", "@weekly", ("works",))
    assert [(row.name, row.cron, row.from_repository) for row in take(mine, theirs)] == [
        ("nightly", "0 * * * *", False),
        ("weekly", "@weekly", True),
    ]
    await change_schedule(system.context, app_id, "weekly", {"enabled": False}, system.actor)
    with pytest.raises(Conflict, match="comes from the app's repository"):
        await change_schedule(system.context, app_id, "weekly", {"cron": "@daily"}, system.actor)
    (_, changed) = take(NewSchedule("weekly", "@monthly", ("works",)))
    assert (changed.cron, changed.enabled, changed.next_at) == ("@monthly", False, None)
    assert [row.name for row in take()] == ["nightly"]
