"""In which order the services of a release start: each after what it depends on is as it wants it to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipyard.domain.formation import waves
from slipyard.domain.release import ServiceSpec
from slipyard.domain.service import Condition


@dataclass(frozen=True)
class Wave:
    """`one_shots` run to their end first. Of the `services` that start together, those in `awaited` must be ready before
    the next wave begins."""

    one_shots: Sequence[ServiceSpec]
    services: frozenset[str]
    awaited: frozenset[str]


def waves_of(services: Sequence[ServiceSpec]) -> list[Wave]:
    """One wave where nothing depends on anything."""
    specs = {each.name: each for each in services}
    awaited = {each.service for spec in services for each in spec.depends_on if each.condition is not Condition.STARTED}
    order = waves({spec.name: [each.service for each in spec.depends_on] for spec in services})
    return [
        Wave(
            one_shots=[specs[name] for name in names if specs[name].one_shot],
            services=frozenset(names),
            awaited=frozenset(name for name in names if name in awaited and not specs[name].one_shot),
        )
        for names in order
    ]
