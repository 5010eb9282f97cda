"""Instances of one deployment: written down with their addresses first, then started, then found ready.

A second attempt finds the rows of the first, so the same containers are started, and no address is issued twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from slipyard.deployer.addresses import next_address
from slipyard.deployer.driver import InstanceSpec, InstanceVolume
from slipyard.domain.configuration import SecretFile
from slipyard.domain.errors import Conflict
from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import COMING, LIVE, InstanceStatus
from slipyard.domain.release import ServiceSpec
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.app_network import ensure_app_network
from slipyard.pipeline.rollout.kept_running import kept_running
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.together import together
from slipyard.pipeline.volumes.make_volumes import make_volumes
from slipyard.store import claims
from slipyard.store.claims import Claim
from slipyard.store.tables import App, Instance, OneOff
from slipyard.store.transition import transition

_COMMAND = "run"


@dataclass(frozen=True)
class PlannedInstance:
    spec: InstanceSpec
    container_id: str = ""


async def plan_instances(
    context: Context, claim: Claim, rollout: Rollout, wanted: Mapping[str, int]
) -> list[PlannedInstance]:
    """`wanted` is how many there shall be, by service. Returns those of them that do not serve yet."""
    await ensure_app_network(context, rollout.app_id)
    if rollout.volumes:
        await make_volumes(context, rollout.app_id)
    rows = await context.database.writing(lambda session: _plan(session, context, claim, rollout, wanted))
    services = {service.name: service for service in rollout.config.services}
    return [PlannedInstance(instance_spec(rollout, services[row.service], row)) for row in rows]


async def start_instances(context: Context, claim: Claim, planned: Sequence[PlannedInstance]) -> list[PlannedInstance]:
    async def one(instance: PlannedInstance) -> PlannedInstance:
        return PlannedInstance(instance.spec, await context.driver.start(instance.spec))

    started = await together(one(instance) for instance in planned)
    await context.database.writing(lambda session: _started(session, context, claim, started))
    return started


async def mark_ready(context: Context, claim: Claim, instances: Sequence[PlannedInstance]) -> None:
    await context.database.writing(
        lambda session: _move(session, context, claim, instances, InstanceStatus.READY, "answered its probe")
    )


def instance_spec(rollout: Rollout, service: ServiceSpec, row: Instance) -> InstanceSpec:
    spec = _spec(rollout, service, row)
    return spec if row.made_for is None else replace(spec, release_id=row.made_for)


def command_spec(rollout: Rollout, service: ServiceSpec, row: OneOff) -> InstanceSpec:
    """Of a command that somebody runs: image, variables, files and limits of a service, but nothing else of it."""
    bare = ServiceSpec(
        name=service.name,
        command=tuple(row.command),
        resources=service.resources,
        image=service.image,
        foreign=service.foreign,
    )
    return replace(_spec(rollout, bare, row), service=_COMMAND)


def _spec(rollout: Rollout, service: ServiceSpec, row: Instance | OneOff) -> InstanceSpec:
    return InstanceSpec(
        instance_id=row.id,
        app_id=rollout.app_id,
        app_slug=rollout.slug,
        deployment_id=row.deployment_id,
        release_id=rollout.release_id,
        service=service.name,
        image=(service.image or rollout.config.image).image_id,
        address=row.address,
        port=service.port,
        env=_env(rollout, service),
        command=service.command,
        entrypoint=service.entrypoint,
        aliases=service.aliases,
        resources=service.resources,
        health_check=service.health_check,
        files=_files(rollout, service),
        volumes=_volumes(rollout, service),
    )


def _volumes(rollout: Rollout, service: ServiceSpec) -> tuple[InstanceVolume, ...]:
    """`Conflict` for one that was removed since the release was made."""
    gone = [each.volume for each in service.mounts if each.volume not in rollout.volumes]
    if gone:
        raise Conflict(
            f"The release mounts the volume {gone[0]}, which was removed. Make it again, or deploy a release without it."
        )
    return tuple(
        InstanceVolume(rollout.volumes[each.volume], each.volume, each.path, each.read_only) for each in service.mounts
    )


def _files(rollout: Rollout, service: ServiceSpec) -> tuple[SecretFile, ...]:
    """Where both lie at one path, what is the service's own wins."""
    given = [file for file in rollout.files if file.is_for(service.name, foreign=service.foreign)]
    own = {file.path for file in given if file.service is not None}
    return tuple(file for file in given if file.service is not None or file.path not in own)


def _env(rollout: Rollout, service: ServiceSpec) -> dict[str, str]:
    """`PORT` and `SOURCE_VERSION` are the platform's word to the app's own code, and win over what the user set."""
    own = rollout.own_env.get(service.name, {})
    if service.foreign:
        return own
    env = {**rollout.env, **own}
    if service.port is not None:
        env["PORT"] = str(service.port)
    if rollout.config.commit is not None:
        env["SOURCE_VERSION"] = rollout.config.commit
    return env


def _plan(
    session: Session, context: Context, claim: Claim, rollout: Rollout, wanted: Mapping[str, int]
) -> list[Instance]:
    claims.require(session, claim)
    app = session.get_one(App, rollout.app_id, with_for_update=True)
    there = {
        (row.service, row.ordinal): row
        for row in session.exec(
            select(Instance).where(Instance.deployment_id == rollout.deployment_id, col(Instance.status).in_(LIVE))
        )
    }
    there |= {(row.service, row.ordinal): row for row in kept_running(session, rollout.deployment_id)}
    taken = addresses_in_use(session, app.id)
    for service in rollout.config.services:
        for ordinal in range(wanted.get(service.name, 0)):
            if (service.name, ordinal) not in there:
                row = new_instance(context, app, rollout, service, ordinal, taken)
                session.add(row)
                there[service.name, ordinal] = row
    session.add(app)
    session.flush()
    names = {service.name for service in rollout.config.services}
    return [row for row in there.values() if row.status in COMING and row.service in names]


def new_instance(
    context: Context, app: App, rollout: Rollout, service: ServiceSpec, ordinal: int, taken: set[str]
) -> Instance:
    """Addresses go round in a ring: the one that was just given up is the last to come again."""
    address = next_address(app.subnet or "", app.last_address, taken)
    taken.add(address)
    app.last_address = address
    return Instance(
        id=new_id("ins"),
        app_id=app.id,
        deployment_id=rollout.deployment_id,
        release_id=rollout.release_id,
        service=service.name,
        ordinal=ordinal,
        status=InstanceStatus.PLANNED,
        address=address,
        port=service.port if _is_routed(rollout, service) else None,
        created_at=context.clock.now(),
    )


def _is_routed(rollout: Rollout, service: ServiceSpec) -> bool:
    routed = rollout.config.routed
    return routed is not None and routed.name == service.name


def addresses_in_use(session: Session, app_id: str) -> set[str]:
    query = select(Instance.address).where(Instance.app_id == app_id, col(Instance.status) != InstanceStatus.RETIRED)
    commands = select(OneOff.address).where(OneOff.app_id == app_id, col(OneOff.ended_at).is_(None))
    return {*session.exec(query).all(), *session.exec(commands).all()}


def _started(session: Session, context: Context, claim: Claim, started: Sequence[PlannedInstance]) -> None:
    _move(session, context, claim, started, InstanceStatus.STARTED, "was started")
    for instance in started:
        row = session.get_one(Instance, instance.spec.instance_id)
        row.container_id = instance.container_id
        session.add(row)


def _move(
    session: Session,
    context: Context,
    claim: Claim,
    instances: Sequence[PlannedInstance],
    to: InstanceStatus,
    what: str,
) -> None:
    """A resumed attempt may find an instance further along already: then there is nothing to move."""
    claims.require(session, claim)
    before = {InstanceStatus.STARTED: InstanceStatus.PLANNED, InstanceStatus.READY: InstanceStatus.STARTED}[to]
    for instance in instances:
        row = session.get_one(Instance, instance.spec.instance_id)
        if row.status is before:
            transition(session, row, to, now=context.clock.now(), message=f"Instance {row.id[-8:]} {what}.")
