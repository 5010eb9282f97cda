"""Which instances can be asked for their health, and what each is asked."""

from sqlalchemy import select
from sqlmodel import Session, col

from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.healing.health_watch import Asked, HealthWatch
from slipyard.store.tables import App, Deployment, Instance, Release


def serving_to_ask(session: Session, watch: HealthWatch) -> list[Asked]:
    """What can be asked: a worker without a command cannot. While a release bakes, that is watched more closely."""
    columns = (
        col(Instance.id), col(Instance.app_id), col(Instance.release_id), col(Instance.service), col(Instance.address),
        col(Instance.port), col(Instance.container_id), col(Instance.resting_since).is_not(None), col(Instance.trouble),
    )  # fmt: skip
    query = (
        select(*columns)
        .join(Deployment, col(Deployment.id) == col(Instance.deployment_id))
        .join(App, col(App.id) == col(Instance.app_id))
        .where(col(Instance.status) == InstanceStatus.SERVING, col(Instance.container_id).is_not(None))
        .where(col(App.asleep_since).is_(None))
        .where(col(Deployment.status) == DeploymentStatus.ACTIVE, col(Deployment.bake_until).is_(None))
    )
    rows = [Asked(*row) for row in session.execute(query)]
    for release_id in {row.release_id for row in rows} - watch.services.keys():
        services = session.get_one(Release, release_id).config.services
        watch.services[release_id] = {each.name: each for each in services}
    return [row for row in rows if row.port is not None or watch.check_of(row).command is not None]


def question(watch: HealthWatch, row: Asked) -> InstanceSpec:
    """Enough to ask it; nothing is ever made of this one, so nobody's secrets are opened for it."""
    service = watch.services[row.release_id][row.service]
    return InstanceSpec(
        instance_id=row.id,
        app_id=row.app_id,
        app_slug="",
        deployment_id="",
        release_id=row.release_id,
        service=row.service,
        image="",
        address=row.address,
        port=row.port,
        env={},
        command=None,
        resources=service.resources,
        health_check=service.health_check,
    )
