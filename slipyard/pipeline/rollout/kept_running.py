"""What runs on while a release takes over: instances of services that are the same in both.

A service with an image that is not the app's code, such as a database, runs on as long as nothing of it changes. A deployment that
names its services, such as a restart of one or a change of how many, leaves all others that are the same as they are.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import LIVE, InstanceStatus
from slipyard.domain.release import ReleaseConfig, ServiceSpec
from slipyard.pipeline.rollout.holds import REPEATS
from slipyard.store.events import record
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Deployment, Instance, Release

_MAY_DIFFER = ("replicas", "depends_on", "stop_grace_seconds", "image_origin")


def kept_running(session: Session, deployment_id: str) -> list[Instance]:
    """One for each place, lowest ordinals first. Empty for what is active itself."""
    now = session.get_one(Deployment, deployment_id)
    before = active_deployment(session, now.app_id)
    if before is None or before.id == now.id or before.release_id is None or now.release_id is None:
        return []
    if now.services is None and now.trigger in REPEATS:
        return []
    was = session.get_one(Release, before.release_id).config
    will = session.get_one(Release, now.release_id).config.scaled(session.get_one(App, now.app_id).scaled_to)
    stay = {each.name: each.replicas for each in will.services if _stays(now, was, will, each)}
    taken = _taken(session, now.id) if stay else set()
    return [row for row in _in_their_places(session, before.id, stay) if (row.service, row.ordinal) not in taken]


def unchanged_services(session: Session, deployment_id: str) -> set[str]:
    return {row.service for row in kept_running(session, deployment_id)}


def keep(session: Session, instance: Instance, deployment: Deployment) -> None:
    """It belongs to what is active now. Its container goes on being called after the release that it was made for."""
    if instance.release_id != deployment.release_id and instance.made_for is None:
        instance.made_for = instance.release_id
    instance.deployment_id, instance.release_id = deployment.id, deployment.release_id or instance.release_id
    session.add(instance)


def say_what_stays(session: Session, deployment: Deployment, kept: Sequence[Instance], now: datetime) -> None:
    if kept:
        names = ", ".join(sorted({row.service for row in kept}))
        message = f"Nothing of {names} changed: {len(kept)} instance(s) run on."
        record(session, deployment.app_id, "deployment.kept", message, now=now, deployment_id=deployment.id)


def _stays(now: Deployment, was: ReleaseConfig, will: ReleaseConfig, service: ServiceSpec) -> bool:
    before = next((each for each in was.services if each.name == service.name), None)
    if before is None or (service.name in now.services if now.services is not None else not service.foreign):
        return False
    return _essence(was, before) == _essence(will, service)


def _essence(config: ReleaseConfig, service: ServiceSpec) -> object:
    """All that its container is made of. A release that tells no fingerprints of its services was made before there were any."""
    given = service.env_fingerprint or (config.env_fingerprints, config.file_fingerprints)
    code = None if service.foreign else (config.image.image_id, config.commit)
    routed = config.routed is not None and config.routed.name == service.name
    update = dict.fromkeys(_MAY_DIFFER)
    return service.model_copy(update={**update, "env_fingerprint": "", "public": routed}), given, code


def _in_their_places(session: Session, deployment_id: str, replicas: dict[str, int]) -> list[Instance]:
    if not replicas:
        return []
    query = select(Instance).where(
        Instance.deployment_id == deployment_id,
        col(Instance.status) == InstanceStatus.SERVING,
        col(Instance.service).in_(replicas),
    )
    rows = session.exec(query.order_by(col(Instance.ordinal), col(Instance.id))).all()
    found: dict[tuple[str, int], Instance] = {}
    for row in rows:
        if row.ordinal < replicas[row.service]:
            found.setdefault((row.service, row.ordinal), row)
    return list(found.values())


def _taken(session: Session, deployment_id: str) -> set[tuple[str, int]]:
    """What an earlier attempt began is gone on with."""
    query = select(Instance.service, Instance.ordinal)
    return set(session.exec(query.where(Instance.deployment_id == deployment_id, col(Instance.status).in_(LIVE))))
