"""What is to take a place and does not serve yet: rows first, so that nobody fills a place twice."""

from sqlmodel import Session, col, select

from slipyard.domain.healing import Place
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import AFTER_DEPLOY, BEFORE_DEPLOY, RELEASE_COMMAND
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.instances import addresses_in_use, new_instance
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.store.tables import App, Instance

COMING = (InstanceStatus.PLANNED, InstanceStatus.STARTED, InstanceStatus.READY)
COMMANDS = (BEFORE_DEPLOY, RELEASE_COMMAND, AFTER_DEPLOY)  # run once, and are nobody's replicas


def plan(session: Session, context: Context, app: App, deployment_id: str, place: Place) -> Instance:
    """A new row in this place; whoever calls has made sure that there may be one."""
    rollout = load_rollout(session, context, deployment_id)
    service = next(each for each in rollout.config.services if each.name == place.service)
    row = new_instance(context, app, rollout, service, place.ordinal, addresses_in_use(session, app.id))
    session.add_all([app, row])
    session.flush()
    return row


def is_coming(session: Session, deployment_id: str, place: Place) -> bool:
    query = select(Instance.id).where(
        Instance.deployment_id == deployment_id,
        Instance.service == place.service,
        Instance.ordinal == place.ordinal,
        col(Instance.status).in_(COMING),
    )
    return session.exec(query.limit(1)).first() is not None
