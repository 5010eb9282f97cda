"""A container that runs is compared, field by field, with what its release asks for, and put right."""

from collections.abc import Sequence

from sqlmodel import Session

from slipyard.deployer.driver import InstanceSpec, Observation
from slipyard.domain.drift import Difference, Repair, sentence
from slipyard.domain.healing import is_crash_loop
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.heal_watch import HealWatch
from slipyard.pipeline.healing.observed import InstanceRow
from slipyard.pipeline.healing.replace_instance import ask_for_another
from slipyard.pipeline.healing.spec_of_instance import spec_of_instance
from slipyard.pipeline.healing.start_again import note_container
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.store.events import record
from slipyard.store.tables import Instance


async def look_closely(context: Context, watch: HealWatch, row: InstanceRow, found: Observation) -> None:
    """In place where the engine can, else by another instance that takes over."""
    listed_well = not found.astray and row.address in found.addresses
    if listed_well and (_is_examined(watch, row, found) or not watch.may_look_closely()):
        return
    spec, keep = await spec_of_instance(context, row.id), not is_crash_loop(row.trouble)
    differences = await context.driver.drift(spec, found.container_id, keep=keep)
    left = await _put_right(context, row, spec, found, differences, keep=keep)
    if found.container_id != row.container_id:
        await context.database.writing(lambda session: note_container(session, row.id, found.container_id))
    told = differences if watch.known.get(found.container_id) == row.deployment_id else _without_policy(differences)
    watch.known[found.container_id] = row.deployment_id
    if not left:
        watch.examined[found.container_id] = row.deployment_id
    if told and sentence(told) != row.trouble:
        await context.database.writing(lambda session: _say(session, context, row.id, told, left))
    if _without_policy(left):
        await ask_for_another(context, row.id, f"was changed from outside: {sentence(_without_policy(left))}")


async def _put_right(
    context: Context,
    row: InstanceRow,
    spec: InstanceSpec,
    found: Observation,
    differences: Sequence[Difference],
    *,
    keep: bool,
) -> Sequence[Difference]:
    if not differences:
        return ()
    if any(each.repair is Repair.CONNECT for each in differences):
        await ensure_app_network(context, row.app_id)
    return await context.driver.put_right(spec, found.container_id, differences, keep=keep)


def _is_examined(watch: HealWatch, row: InstanceRow, found: Observation) -> bool:
    return watch.examined.get(found.container_id) == row.deployment_id


def _without_policy(differences: Sequence[Difference]) -> list[Difference]:
    """What serves comes back after a reboot: that is said to the engine when a container is first looked at."""
    return [each for each in differences if each.repair is not Repair.POLICY]


def _say(
    session: Session, context: Context, instance_id: str, told: Sequence[Difference], left: Sequence[Difference]
) -> None:
    row, now = session.get_one(Instance, instance_id), context.clock.now()
    remedy = "another instance is to take its place" if _without_policy(left) else "it was put right"
    message = f"{row.id[-8:]} was changed from outside: {sentence(told)}; {remedy}."
    fields = [each.shown() for each in told]
    record(session, row.app_id, "instance.drift", message, now=now, instance_id=row.id, fields=fields)
    row.trouble = sentence(told) if _without_policy(left) else row.trouble
    session.add(row)
