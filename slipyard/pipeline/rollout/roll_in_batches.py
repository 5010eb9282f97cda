"""Batch by batch: new instances get ready, one rename gives them requests, old ones make room. Blue-green is one batch."""

from collections.abc import Sequence
from functools import partial

from sqlmodel import Session

from slipyard.deployer.router import RouteState
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.rollout import Batch, limits_of, next_batch
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.bring_up import begin_to_verify, bring_up
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.retire import Change, make_way
from slipyard.pipeline.rollout.standing import Standing, addresses_of, standing
from slipyard.pipeline.rollout.switch_route import confirm_route, switch_to
from slipyard.store import claims
from slipyard.store.events import record
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import Deployment, Instance
from slipyard.store.transition import transition


async def roll_in_batches(attempt: Attempt, rollout: Rollout) -> int:
    """Returns the generation of the route in which all requests go to the new instances. Where a batch begins follows
    from the rows alone, so a later attempt goes on from there."""
    while True:
        now = await look(attempt, rollout)
        batches = _batches(now, rollout)
        if now.unproven or any(batch.start for batch in batches.values()):
            await bring_up(attempt, rollout, _wanted(now, batches))
            now = await look(attempt, rollout)
        else:  # all that it needs runs already
            await attempt.context.database.writing(partial(begin_to_verify, attempt=attempt))
        if all(len(now.new.get(each.name, ())) >= each.replicas for each in rollout.config.services):
            return await switch_to_new(attempt, rollout, now)
        await _make_room(attempt, rollout, now, batches)


async def look(attempt: Attempt, rollout: Rollout) -> Standing:
    return await attempt.context.database.reading(
        lambda session: standing(session, rollout.app_id, rollout.deployment_id)
    )


async def switch_to_new(attempt: Attempt, rollout: Rollout, now: Standing) -> int:
    with attempt.stopwatch.span("switch"):
        addresses = addresses_of(row for rows in now.new.values() for row in rows)
        return await switch_to(attempt.context, attempt.claim, rollout.app_id, addresses, none=RouteState.STOPPED)


def _batches(now: Standing, rollout: Rollout) -> dict[str, Batch]:
    rules = rollout.config.rollout
    return {
        each.name: next_batch(
            len(now.old.get(each.name, ())),
            len(now.new.get(each.name, ())),
            each.replicas,
            limits_of(rules, each.replicas),
        )
        for each in rollout.config.services
    }


def _wanted(now: Standing, batches: dict[str, Batch]) -> dict[str, int]:
    return {name: len(now.new.get(name, ())) + batch.start for name, batch in batches.items()}


async def _make_room(attempt: Attempt, rollout: Rollout, now: Standing, batches: dict[str, Batch]) -> None:
    stay = {name: rows[: len(rows) - batches[name].drop if name in batches else None] for name, rows in now.old.items()}
    leave = [row.id for name, rows in now.old.items() for row in rows[len(stay[name]) :]]
    new = [row for rows in now.new.values() for row in rows]
    with attempt.stopwatch.span("switch"):
        staying = [row for rows in stay.values() for row in rows]
        generation = await switch_to(attempt.context, attempt.claim, rollout.app_id, addresses_of([*new, *staying]))
        said = f"{len(new)} of {rollout.replicas} new instances serve beside {len(staying)} old ones."
        await settle(attempt, generation, [row.id for row in new], leave, said)


async def settle(
    attempt: Attempt,
    generation: int | None,
    serving: Sequence[str],
    leaving: Sequence[str],
    progress: str,
    **columns: object,
) -> None:
    """After a switch: who serves, who retires, how far the deployment is, in one transaction."""
    context = attempt.context

    def write(session: Session) -> None:
        claims.require(session, attempt.claim)
        now = context.clock.now()
        change = _change(session, attempt)
        for row in (session.get_one(Instance, each) for each in serving):
            if row.status is InstanceStatus.READY:
                transition(session, row, InstanceStatus.SERVING, now=now, message=f"{row.id[-8:]} serves.")
        for row in (session.get_one(Instance, each) for each in leaving):
            if row.status is InstanceStatus.SERVING:
                make_way(session, context, row, change, "it makes room for a later release")
        deployment = change.now
        if generation is not None:
            confirm_route(session, deployment.app_id, generation)
        deployment.progress = progress
        for name, value in columns.items():
            setattr(deployment, name, value)
        session.add(deployment)
        record(session, deployment.app_id, "deployment.progress", progress, now=now, deployment_id=deployment.id)

    await context.database.writing(write)
    await attempt.trace.say(progress)


def _change(session: Session, attempt: Attempt) -> Change:
    now = session.get_one(Deployment, attempt.claim.id)
    return Change(now, active_deployment(session, now.app_id))
