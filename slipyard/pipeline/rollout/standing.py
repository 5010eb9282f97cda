"""What of an app serves or could, while one release takes the place of another."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.rollout.kept_running import kept_running
from slipyard.store.tables import Instance

_WORKS = (InstanceStatus.READY, InstanceStatus.SERVING)


@dataclass(frozen=True)
class Standing:
    """By service, lowest ordinals first: `new` are ready or serve, or run on unchanged; `old` serve and are to go. `leaving`
    counts, by service, what has not ended yet."""

    new: Mapping[str, Sequence[Instance]]
    old: Mapping[str, Sequence[Instance]]
    leaving: Mapping[str, int]

    @property
    def unproven(self) -> bool:
        """Whether a new one got ready under an earlier attempt, or just now, and serves nobody yet."""
        return any(row.status is InstanceStatus.READY for rows in self.new.values() for row in rows)


def standing(session: Session, app_id: str, deployment_id: str) -> Standing:
    query = select(Instance).where(Instance.app_id == app_id)
    rows = session.exec(query.where(col(Instance.status).in_((*_WORKS, InstanceStatus.RETIRING)))).all()
    ordered = sorted(rows, key=lambda row: (row.ordinal, row.id))
    kept = {row.id for row in kept_running(session, deployment_id)}
    ours = [row for row in ordered if row.id in kept or (row.deployment_id == deployment_id and row.status in _WORKS)]
    here = {row.id for row in ours}
    return Standing(
        new=_by_service(ours),
        old=_by_service(row for row in ordered if row.id not in here and row.status is InstanceStatus.SERVING),
        leaving=Counter(row.service for row in rows if row.status is InstanceStatus.RETIRING),
    )


def addresses_of(rows: Iterable[Instance]) -> list[str]:
    """Of those that are well, or of all where none is."""
    routed = [row for row in rows if row.port is not None]
    well = [row for row in routed if row.resting_since is None]
    return [f"{row.address}:{row.port}" for row in well or routed]


def _by_service(rows: Iterable[Instance]) -> dict[str, list[Instance]]:
    found: defaultdict[str, list[Instance]] = defaultdict(list)
    for row in rows:
        found[row.service].append(row)
    return dict(found)
