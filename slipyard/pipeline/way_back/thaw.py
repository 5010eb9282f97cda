"""The quickest way back: what of the release is paused, or still drains, runs on. It must answer twice, or is given up."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from slipyard.domain.errors import UserError
from slipyard.domain.lifecycle import LIVE, InstanceStatus
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.bring_up import begin_to_verify
from slipyard.pipeline.rollout.instances import instance_spec
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.together import together
from slipyard.pipeline.way_back.bring_image import THAWED
from slipyard.store import claims
from slipyard.store.events import record
from slipyard.store.tables import Deployment, Instance
from slipyard.store.transition import transition

_ANSWERS = 2
_ANSWER_SECONDS = 1.0  # of what ran well a moment ago; a new instance is soon there instead


@dataclass(frozen=True)
class Thawed:
    """The instances that run again, by id: the complaint, None where it is well."""

    release_number: int
    complaints: Mapping[str, str | None]

    @property
    def sentences(self) -> list[str]:
        good = sum(complaint is None for complaint in self.complaints.values())
        bad = [(key, said) for key, said in self.complaints.items() if said is not None]
        return [
            f"{good} paused instance(s) of release {self.release_number} run on.",
            *(f"Instance {key[-8:]} {said} after it was paused: a new one is started." for key, said in bad),
        ]


async def thaw(attempt: Attempt, rollout: Rollout) -> None:
    """What answers is ready afterwards, and belongs to this deployment. What does not is retired: whoever comes next
    starts another in its place. Repeatable."""
    thawed = await run_on(attempt, rollout)
    if thawed is not None:
        await attempt.context.database.writing(lambda session: settle_thawed(session, attempt, rollout, thawed))
        await attempt.trace.say(*thawed.sentences)


async def run_on(attempt: Attempt, rollout: Rollout) -> Thawed | None:
    """None where nothing is paused. To be followed by `settle_thawed`, in whatever transaction comes next."""
    database = attempt.context.database
    if not await database.reading(lambda session: _candidates(session, rollout)):
        return None
    rows = await database.writing(lambda session: _take_over(session, attempt, rollout))
    with attempt.stopwatch.span("thaw"):
        complaints = await together(_wake_up(attempt, rollout, row) for row in rows)
    return Thawed(rollout.release_number, dict(zip((row.id for row in rows), complaints, strict=True)))


async def _wake_up(attempt: Attempt, rollout: Rollout, row: Instance) -> str | None:
    """The complaint, None where it is well."""
    service = next(each for each in rollout.config.services if each.name == row.service)
    spec, container_id = instance_spec(rollout, service, row), row.container_id or ""
    driver = attempt.context.driver
    try:
        if rollout.config.has_several_services:
            await driver.join_network(spec, container_id)
        await driver.thaw(container_id)
        async with asyncio.timeout(_ANSWER_SECONDS):
            answers = [await driver.ask(spec, container_id) for _ in range(_ANSWERS)]
    except TimeoutError:
        return f"did not answer within {_ANSWER_SECONDS:g} s"
    except UserError:  # it does not run, or is not there
        return "was gone"
    return next((complaint for complaint in answers if complaint is not None), None)


def _take_over(session: Session, attempt: Attempt, rollout: Rollout) -> list[Instance]:
    """Only what the engine was told to pause, and said so: else somebody may be about to pause it still."""
    claims.require(session, attempt.claim)
    ours = Instance.deployment_id == rollout.deployment_id
    live = set(
        session.exec(select(Instance.service, Instance.ordinal).where(ours, col(Instance.status).in_(LIVE))).all()
    )
    replicas = {each.name: each.replicas for each in rollout.config.services}
    taken = []
    for row in _candidates(session, rollout):
        if row.status is InstanceStatus.STARTED:  # taken by an attempt that ended before it knew whether it runs
            taken.append(row)
        elif (row.service, row.ordinal) not in live and row.ordinal < replicas.get(row.service, 0):
            live.add((row.service, row.ordinal))
            message = f"Instance {row.id[-8:]} is taken back."
            fields = {"deployment_id": rollout.deployment_id, "retiring_at": None}
            now = attempt.context.clock.now()
            transition(session, row, InstanceStatus.STARTED, now=now, message=message, **fields)
            taken.append(row)
    return taken


def _candidates(session: Session, rollout: Rollout) -> list[Instance]:
    status, was_paused = col(Instance.status), col(Instance.paused_at).is_not(None)
    taken = (status == InstanceStatus.STARTED) & was_paused & (Instance.deployment_id == rollout.deployment_id)
    query = select(Instance).where(
        Instance.release_id == rollout.release_id,
        or_(status == InstanceStatus.DRAINING, (status == InstanceStatus.PAUSED) & was_paused, taken),
    )
    return list(session.exec(query.order_by(col(Instance.ordinal), col(Instance.id))).all())


def settle_thawed(session: Session, attempt: Attempt, rollout: Rollout, thawed: Thawed) -> None:
    claims.require(session, attempt.claim)
    now = attempt.context.clock.now()
    if rollout.deployment_id == attempt.claim.id:
        _say_how(session, attempt)
    for instance_id, complaint in thawed.complaints.items():
        row = session.get_one(Instance, instance_id, populate_existing=True)
        if row.status is not InstanceStatus.STARTED:
            continue
        if complaint is None:
            message = f"Instance {row.id[-8:]} answered twice."
            transition(session, row, InstanceStatus.READY, now=now, message=message, paused_at=None)
            continue
        retire(session, attempt.context, row, f"it {complaint} after it was paused; a new one is started")
        message = f"Instance {row.id[-8:]} {complaint} after it was paused; a new one is started in its place."
        record(session, row.app_id, "deployment.thaw_failed", message, now=now, deployment_id=rollout.deployment_id)


def _say_how(session: Session, attempt: Attempt) -> None:
    """Whoever has to start some of its instances says otherwise."""
    row = session.get_one(Deployment, attempt.claim.id)
    begin_to_verify(session, attempt)
    row.way_back = THAWED
    session.add(row)
