"""What a release mounts: what its repository says and what the app was told, with a volume for each name."""

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from slipyard.domain.errors import FieldProblem, QuotaExceeded, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.domain.release import ReleaseConfig, ServiceSpec
from slipyard.domain.volume import MOST_VOLUMES, Mount, VolumeConfig, mounted_in
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.volumes import volumes_of
from slipyard.store.tables import App, Volume


def settle_mounts(session: Session, context: Context, app: App, config: ReleaseConfig) -> ReleaseConfig:
    """A service with an exclusive volume is rolled out by recreate, alone. `ValidationFailed` where more than one instance
    would have one."""
    if app.parent_id is not None:
        _like_those_of(session, context, app, app.parent_id)
    rows = volumes_of(session, app.id)
    services = tuple(_with_attachments(each, rows, config) for each in config.services)
    if not any(each.mounts for each in services):
        return config
    rows += _missing(session, context, app, config.model_copy(update={"services": services}), rows)
    exclusive = {row.name for row in rows if row.exclusive}
    used = [
        name for name in sorted(exclusive) if any(name == mount.volume for each in services for mount in each.mounts)
    ]
    for name in used:
        _refuse_several(app, name, services)
    return config.model_copy(update={"services": tuple(_alone(each, used) for each in services)})


def add_volume(session: Session, context: Context, app: App, config: VolumeConfig) -> Volume:
    """Its row; it is made in the engine before something mounts it. `QuotaExceeded`."""
    if len(volumes_of(session, app.id)) >= MOST_VOLUMES:
        raise QuotaExceeded(f"{app.slug} has {MOST_VOLUMES} volumes, and more an app cannot have. Remove one first.")
    now = context.clock.now()
    row = Volume(
        id=new_id("vol"),
        organization_id=app.organization_id,
        app_id=app.id,
        **config.model_dump(),
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _like_those_of(session: Session, context: Context, app: App, parent_id: str) -> None:
    """A preview has volumes of its own, empty, at the places where those of its app are."""
    there = {row.name for row in volumes_of(session, app.id)}
    for row in volumes_of(session, parent_id):
        if row.attachments and row.name not in there:
            own = VolumeConfig(name=row.name, size_bytes=row.size_bytes, exclusive=row.exclusive)
            add_volume(session, context, app, own).attachments = row.attachments
    session.flush()


def _with_attachments(service: ServiceSpec, rows: Sequence[Volume], config: ReleaseConfig) -> ServiceSpec:
    routed = config.routed
    named = [(row.name, each) for row in rows for each in row.attachments]
    told = mounted_in(named, service.name, is_main=routed is not None and routed.name == service.name)
    mounts = (*(each for each in service.mounts if each not in told), *told)
    paths = [each.path for each in mounts]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise ValidationFailed(
            f"Two volumes would lie at {twice} of the service {service.name}. Detach one of them, or give it another path.",
            details=[FieldProblem("path", "has a volume already")],
        )
    return service.model_copy(update={"mounts": mounts})


def _missing(
    session: Session, context: Context, app: App, config: ReleaseConfig, rows: Sequence[Volume]
) -> list[Volume]:
    """Those that only the repository names. What several instances share from the start is not exclusive."""
    there, made = {row.name for row in rows}, []
    users, planned = _instances_by_volume(config.services), config.origin.manifest.volumes
    for name in sorted(users.keys() - there):
        size = planned[name].size if name in planned else None
        new = VolumeConfig(name=name, size_bytes=size, exclusive=users[name] <= 1)
        made.append(add_volume(session, context, app, new))
        message = f"The volume {name} was made, as the repository of {app.slug} says."
        record(session, app.id, "volume.created", message, now=context.clock.now(), volume_id=made[-1].id)
    return made


def _alone(service: ServiceSpec, exclusive: Sequence[str]) -> ServiceSpec:
    return service.model_copy(update={"alone": any(_has(service.mounts, name) for name in exclusive)})


def _refuse_several(app: App, name: str, services: Sequence[ServiceSpec]) -> None:
    count = _instances_by_volume(services)[name]
    scaled = [each for each in services if each.public and app.config.max_instances > 1 and _has(each.mounts, name)]
    if count > 1 or scaled:
        how = f"{count} instances would have it" if count > 1 else f"up to {app.config.max_instances} could have it"
        raise ValidationFailed(
            f"The volume {name} of {app.slug} is exclusive, and {how}. Run one, or let them share it:"
            f" `slipyard volumes set {app.slug} {name} --shared`.",
            details=[FieldProblem("replicas", "one, with an exclusive volume")],
        )


def _instances_by_volume(services: Iterable[ServiceSpec]) -> dict[str, int]:
    found: dict[str, int] = {}
    for service in services:
        for name in {each.volume for each in service.mounts}:
            found[name] = found.get(name, 0) + max(1, service.replicas)
    return found


def _has(mounts: Iterable[Mount], name: str) -> bool:
    return any(each.volume == name for each in mounts)
