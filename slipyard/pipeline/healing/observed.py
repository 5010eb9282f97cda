"""The rows of instances beside what the engine says of their containers: all of them, or those that something happened to."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from slipyard.deployer.driver import Observation
from slipyard.domain.healing import Place
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.stirred import Report
from slipyard.pipeline.together import together
from slipyard.store.tables import App, Instance


class InstanceRow(NamedTuple):
    """What a pass needs of each row; ten thousand of them are read at once, so it is the quickest thing to make."""

    id: str
    app_id: str
    deployment_id: str
    status: InstanceStatus
    service: str
    ordinal: int
    address: str
    container_id: str | None
    failures: int
    retry_at: datetime | None
    paused_at: datetime | None
    trouble: str | None

    @property
    def place(self) -> Place:
        return Place(self.service, self.ordinal)


# Of the table and not of the class: rows come as they are, a fifth quicker.
_ROW = Instance.metadata.tables["instance"].c
_COLUMNS = [_ROW[name] for name in InstanceRow._fields]


@dataclass(frozen=True)
class Observed:
    """`seen` by instance: more than one where somebody made copies, which inherit the labels. `asleep` are apps that slept
    before the engine was asked, or after."""

    rows: Sequence[InstanceRow]
    seen: Mapping[str, Sequence[Observation]]
    whole: bool
    report: Report
    asleep: Collection[str] = frozenset()

    def container_of(self, row: InstanceRow) -> Observation | None:
        """Its own, whatever its name is now; else the one that has its name."""
        found = self.seen.get(row.id, ())
        if len(found) == 1 and found[0].container_id == row.container_id:
            return found[0]
        own = next((each for each in found if each.container_id == row.container_id), None)
        return own or next((each for each in found if each.named), None)


async def observe(context: Context, report: Report, *, whole: bool, asleep: Collection[str] = frozenset()) -> Observed:
    """One call to the engine and two queries, or a look at each of those that changed."""
    if whole:
        seen = await context.driver.observe()
        rows = await context.database.reading(_all_rows)
    else:
        rows = await context.database.reading(lambda session: _rows(session, list(report.changed)))
        looked = await together(context.driver.look(row.id, report.changed[row.id]) for row in rows)
        seen = [each for each in looked if each is not None]
    now_asleep = await context.database.reading(asleep_apps)
    return Observed(rows, _by_instance(seen), whole, report, {*asleep, *now_asleep})


def asleep_apps(session: Session) -> set[str]:
    """Their containers are paused or stopped, and nobody's business."""
    return set(session.scalars(select(col(App.id)).where(col(App.asleep_since).is_not(None))))


def _by_instance(seen: Iterable[Observation]) -> dict[str, list[Observation]]:
    found: defaultdict[str, list[Observation]] = defaultdict(list)
    for each in seen:
        found[each.instance_id].append(each)
    return found


def _all_rows(session: Session) -> list[InstanceRow]:
    query = select(*_COLUMNS).where(_ROW.status != InstanceStatus.RETIRED)
    return [InstanceRow._make(row) for row in session.execute(query)]


def _rows(session: Session, instance_ids: Sequence[str]) -> list[InstanceRow]:
    query = select(*_COLUMNS).where(_ROW.id.in_(instance_ids), _ROW.status != InstanceStatus.RETIRED)
    return [InstanceRow._make(row) for row in session.execute(query)]
