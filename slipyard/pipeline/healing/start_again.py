"""An instance whose container does not run: the same one again, under the same name and address; else another."""

import structlog
from sqlmodel import Session

from slipyard.deployer.driver import InstanceSpec, Observation
from slipyard.domain.errors import SlipyardError, UserError
from slipyard.domain.healing import is_crash_loop
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.observed import InstanceRow
from slipyard.pipeline.healing.replace_instance import ask_for_another
from slipyard.pipeline.healing.spec_of_instance import spec_of_instance
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.store.events import record
from slipyard.store.tables import Instance

_log = structlog.get_logger()


async def start_again(context: Context, row: InstanceRow, found: Observation | None, *, again: bool) -> bool:
    """Whether it was started. What the engine refuses once may be on its way out, as a container that is being removed;
    where it refuses `again`, another instance takes its place."""
    reason = what_happened(found)
    try:
        container_id = await _started(context, row, found)
    except SlipyardError as error:
        _log.warning("heal_failed", instance_id=row.id, error=error.message)
        await _say(context, row, "instance.heal_failed", f"{reason}; starting it again failed: {error.message}")
        if again and isinstance(error, UserError):
            await ask_for_another(context, row.id, f"cannot be started again: {error.message}")
        return False
    kind = "instance.restarted" if is_crash_loop(row.trouble) else "instance.healed"
    await context.database.writing(lambda session: note_container(session, row.id, container_id))
    await _say(context, row, kind, f"{reason}; it was started again.")
    return True


def what_happened(found: Observation | None) -> str:
    if found is None:
        return "was removed from outside"
    if found.paused:
        return "was paused from outside"
    memory = " for lack of memory" if found.out_of_memory else ""
    return f"had exited with code {found.exit_code}{memory}"


def note_container(session: Session, instance_id: str, container_id: str) -> None:
    row = session.get_one(Instance, instance_id)
    row.container_id = container_id
    session.add(row)


async def _started(context: Context, row: InstanceRow, found: Observation | None) -> str:
    spec = await spec_of_instance(context, row.id)
    await ensure_app_network(context, row.app_id)
    if found is not None and not found.named:
        await _name_again(context, spec, found)
    return await context.driver.start(spec)


async def _name_again(context: Context, spec: InstanceSpec, found: Observation) -> None:
    """Else its address would be taken when a second one starts under its name."""
    differences = await context.driver.drift(spec, found.container_id, keep=True)
    await context.driver.put_right(spec, found.container_id, differences, keep=True)


async def _say(context: Context, row: InstanceRow, kind: str, message: str) -> None:
    now = context.clock.now()
    await context.database.writing(
        lambda session: record(session, row.app_id, kind, f"{row.id[-8:]} {message}", now=now, instance_id=row.id)
    )
