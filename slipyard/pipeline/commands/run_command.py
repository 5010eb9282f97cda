"""A command that somebody runs: in a container of its own of the release that is live, or beside what runs in an instance.

The row of a container comes first, and is open until that container is gone: whoever dies in between leaves it to the
controller (`end_commands.py`). Both are audited: who, what, where, and how it ended.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from sqlmodel import Session, col, func, select

from slipyard.clients.container_commands import Terminal
from slipyard.deployer.addresses import next_address
from slipyard.deployer.commands import RunningCommand
from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, SlipyardError, UserError
from slipyard.domain.ids import new_id
from slipyard.domain.release import ServiceSpec
from slipyard.pipeline.commands.to_its_end import to_its_end
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.instances import addresses_in_use, command_spec
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.store.events import record
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, OneOff

MOST_AT_ONCE = 10  # of one app, each with its limits
_LONGEST_SHOWN = 500
_log = structlog.get_logger()


@dataclass(frozen=True)
class CommandAsked:
    """`instance` an id, or None for a container of its own with the limits of `service`."""

    command: tuple[str, ...]
    terminal: Terminal | None = None
    instance: str | None = None
    service: str | None = None


@dataclass
class Run:
    """`code` is noted by whoever reads it."""

    id: str
    place: str
    command: RunningCommand
    code: int | None = field(default=None)


@asynccontextmanager
async def run_command(context: Context, app_id: str, asked: CommandAsked, actor: Actor) -> AsyncIterator[Run]:
    """Ends the command with the block, also where that is cancelled.

    `Conflict` where nothing is live, or too much runs already; `UserError` where there is no such program.
    """
    if asked.instance is not None:
        run = await _beside(context, app_id, asked, actor)
    else:
        run = await _on_its_own(context, app_id, asked, actor)
    try:
        yield run
    finally:
        await to_its_end(_ended(context, app_id, run, actor, on_its_own=asked.instance is None))


async def end_command(context: Context, run_id: str, exit_code: int | None) -> None:
    """The container of its own goes; then its row is closed, and its address free."""
    await context.driver.remove_command(run_id)
    await context.database.writing(lambda session: _close(session, context, run_id, exit_code))


async def _on_its_own(context: Context, app_id: str, asked: CommandAsked, actor: Actor) -> Run:
    await ensure_app_network(context, app_id)
    spec = await context.database.writing(lambda session: _written_down(session, context, app_id, asked, actor))
    try:
        command = await context.driver.run_command(spec, asked.terminal)
    except BaseException as error:
        await to_its_end(end_command(context, spec.instance_id, None))
        if isinstance(error, UserError):
            raise UserError(f"The command could not be started. {error.message}") from error
        raise
    return Run(spec.instance_id, "a container of its own", command)


async def _beside(context: Context, app_id: str, asked: CommandAsked, actor: Actor) -> Run:
    instance = asked.instance or ""
    command = await context.driver.command_in(instance, asked.command, asked.terminal)
    place = f"instance {instance[-8:]}"
    await context.database.writing(lambda session: _say_began(session, context, app_id, asked, actor, place))
    return Run(new_id("run"), place, command)


def _written_down(session: Session, context: Context, app_id: str, asked: CommandAsked, actor: Actor) -> InstanceSpec:
    app = changeable_app(session, app_id)
    active = active_deployment(session, app_id)
    if active is None or active.release_id is None:
        raise Conflict(f"Nothing of {app.slug} is live, so there is no release to run a command in. Deploy it first.")
    _refuse_too_many(session, app)
    rollout = load_rollout(session, context, active.id)
    address = next_address(app.subnet or "", app.last_address, addresses_in_use(session, app.id))
    app.last_address = address
    row = OneOff(
        id=new_id("run"),
        app_id=app.id,
        release_id=active.release_id,
        deployment_id=active.id,
        address=address,
        command=list(asked.command),
        actor=actor.name,
        holder=str(context.holder),
        created_at=context.clock.now(),
    )
    session.add_all([app, row])
    session.flush()
    _say_began(session, context, app_id, asked, actor, "a container of its own")
    return command_spec(rollout, service_for(app, rollout.config.services, asked.service), row)


def service_for(app: App, services: tuple[ServiceSpec, ...], wanted: str | None) -> ServiceSpec:
    """Whose image, variables and limits a command gets; the first where nobody says."""
    named = [each for each in services if wanted in {None, each.name}]
    if not named:
        there = ", ".join(each.name for each in services)
        raise Conflict(f"{app.slug} has no service {wanted!r}; there are {there}.")
    return named[0]


def _refuse_too_many(session: Session, app: App) -> None:
    query = select(func.count()).select_from(OneOff).where(OneOff.app_id == app.id, col(OneOff.ended_at).is_(None))
    if session.exec(query).one() >= MOST_AT_ONCE:
        raise Conflict(f"{MOST_AT_ONCE} commands of {app.slug} run already. Wait for one of them, or end it.")


async def _ended(context: Context, app_id: str, run: Run, actor: Actor, *, on_its_own: bool) -> None:
    """What cannot be removed now stays open, and is the controller's to remove."""
    try:
        await run.command.end()
        if on_its_own:
            await end_command(context, run.id, run.code)
    except SlipyardError as error:
        _log.warning("command_not_ended", run_id=run.id, error=error.message)
    how = "was ended" if run.code is None else f"exited with code {run.code}"
    message = f"The command of {actor.name} in {run.place} {how}."
    now = context.clock.now()
    await context.database.writing(
        lambda session: record(session, app_id, "command.ended", message, now=now, run_id=run.id, exit_code=run.code)
    )


def _say_began(session: Session, context: Context, app_id: str, asked: CommandAsked, actor: Actor, place: str) -> None:
    shown = " ".join(asked.command)[:_LONGEST_SHOWN]
    message = f"{actor.name} runs in {place}: {shown}"
    record(session, app_id, "command.began", message, now=context.clock.now(), principal=actor.principal)


def _close(session: Session, context: Context, run_id: str, exit_code: int | None) -> None:
    row = session.get_one(OneOff, run_id, with_for_update=True)
    if row.ended_at is None:
        row.ended_at, row.exit_code = context.clock.now(), exit_code
        session.add(row)
