"""What sleeps of an app: its instances go on being called serving, and are paused or stopped until somebody asks."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.load_rollout import Rollout, load_rollout
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Instance


@dataclass(frozen=True)
class Sleeper:
    """`generation` is the one of its route. `rows` are those that sleep along, routed ones first."""

    app_id: str
    generation: int
    asleep_since: datetime
    rested: bool
    rollout: Rollout
    rows: tuple[Instance, ...]

    @property
    def addresses(self) -> list[str]:
        return [f"{row.address}:{row.port}" for row in self.rows if row.port is not None]


def sleeper_of(session: Session, context: Context, app_id: str) -> Sleeper | None:
    """None where it is awake."""
    app = session.get(App, app_id)
    active = active_deployment(session, app_id)
    if app is None or app.asleep_since is None or active is None:
        return None
    rollout = load_rollout(session, context, active.id)
    rows = tuple(sleeping_rows(session, active.id, workers=app.config.sleep_workers))
    return Sleeper(app_id, app.last_route, app.asleep_since, app.rested_at is not None, rollout, rows)


def sleeping_rows(session: Session, deployment_id: str, *, workers: bool) -> list[Instance]:
    """What was put to rest counts, also where `workers` is told otherwise since then."""
    query = select(Instance).where(
        Instance.deployment_id == deployment_id, col(Instance.status) == InstanceStatus.SERVING
    )
    rows = session.exec(query.order_by(col(Instance.port).is_(None), col(Instance.ordinal), col(Instance.id))).all()
    return [row for row in rows if workers or row.port is not None or row.paused_at is not None]
