"""Is a canary worse than what it is to replace? Its crashes, its health, and its share of 5xx against the old instances."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from slipyard.deployer.access_log import ACCESS_LOG, AccessLogTail
from slipyard.domain.errors import SlipyardError
from slipyard.domain.evidence import Answers, complaint
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.instances import instance_spec
from slipyard.pipeline.rollout.load_rollout import Rollout, load_rollout
from slipyard.pipeline.rollout.standing import standing
from slipyard.store.tables import Deployment, Instance

_ASK_SECONDS = 1.0


@dataclass
class Trial:
    """What was seen of one canary. A controller that takes over begins with what the access log still holds."""

    log: AccessLogTail
    answers: defaultdict[str, Answers] = field(default_factory=lambda: defaultdict(Answers))
    started: dict[str, datetime | None] = field(default_factory=dict)
    complaints: dict[str, int] = field(default_factory=dict)
    asked_at: float = 0.0


@dataclass
class CanaryWatch:
    trials: dict[str, Trial] = field(default_factory=dict)

    def forget_others(self, deployment_ids: Collection[str]) -> None:
        for key in self.trials.keys() - set(deployment_ids):
            self.trials.pop(key).log.close()

    def trial_of(self, context: Context, row: Deployment) -> Trial:
        if row.id not in self.trials:
            self.trials[row.id] = Trial(AccessLogTail(context.layout.logs / ACCESS_LOG, row.app_id))
        return self.trials[row.id]


async def judge(context: Context, watch: CanaryWatch, row: Deployment) -> str | None:
    """The evidence to stop it, as a sentence; None while there is none."""
    rollout = await context.database.reading(lambda session: load_rollout(session, context, row.id))
    now = await context.database.reading(lambda session: standing(session, row.app_id, row.id))
    new = [each for rows in now.new.values() for each in rows]
    old = [each for rows in now.old.values() for each in rows]
    begun = min((each.created_at for each in new), default=context.clock.now())
    since = {each.id: begun for each in (*new, *old)}
    found = await find_fault(context, watch.trial_of(context, row), rollout, new, old, since)
    return None if found is None else f"Stopped as a canary: {found}. All requests go to the release before again."


async def find_fault(
    context: Context,
    trial: Trial,
    rollout: Rollout,
    new: list[Instance],
    old: list[Instance],
    since: Mapping[str, datetime],
) -> str | None:
    """What is wrong with the new instances, None where all is well. `since`: from when on an instance's answers count."""
    return (
        await _crashed(context, trial, new)
        or await _unhealthy(context, trial, rollout, new)
        or await _answers_worse(trial, new, old, since)
    )


async def _crashed(context: Context, trial: Trial, new: Iterable[Instance]) -> str | None:
    for row in new:
        seen = await context.driver.look(row.id)
        if seen is None:
            continue  # somebody removed it: not the release's doing
        if not seen.running:
            code = "" if seen.exit_code is None else f" with exit code {seen.exit_code}"
            return f"instance {row.id[-8:]} ended{code}{' for lack of memory' if seen.out_of_memory else ''}"
        if trial.started.setdefault(seen.container_id, seen.started_at) != seen.started_at or seen.restarts:
            return f"instance {row.id[-8:]} ended and was started again"
    return None


async def _unhealthy(context: Context, trial: Trial, rollout: Rollout, new: Iterable[Instance]) -> str | None:
    if context.clock.monotonic() < trial.asked_at + _ASK_SECONDS:
        return None
    trial.asked_at = context.clock.monotonic()
    services = {service.name: service for service in rollout.config.services}
    for row in (each for each in new if each.port is not None and each.container_id is not None):
        spec = instance_spec(rollout, services[row.service], row)
        try:
            said = await context.driver.ask(spec, row.container_id or "")
        except SlipyardError:
            continue  # the engine's trouble is not the release's
        trial.complaints[row.id] = trial.complaints.get(row.id, 0) + 1 if said else 0
        if trial.complaints[row.id] >= spec.health_check.retries:
            return f"instance {row.id[-8:]} {said}, {trial.complaints[row.id]} times in a row"
    return None


async def _answers_worse(
    trial: Trial, new: list[Instance], old: list[Instance], since: Mapping[str, datetime]
) -> str | None:
    """Addresses come round again: what another instance answered there before is not its own."""
    begun = {_address(row): since[row.id].timestamp() for row in sorted((*old, *new), key=lambda row: row.created_at)}
    for answer in await asyncio.to_thread(trial.log.read):
        if answer.at >= begun.get(answer.upstream, math.inf):
            trial.answers[answer.upstream] += Answers(1, int(answer.status // 100 == 5))  # noqa: PLR2004 - 5xx
    return complaint(_of(trial, new), _of(trial, old))


def _of(trial: Trial, rows: Iterable[Instance]) -> dict[str, Answers]:
    return {row.id[-8:]: trial.answers[_address(row)] for row in rows if row.port is not None}


def _address(row: Instance) -> str:
    return f"{row.address}:{row.port}"
