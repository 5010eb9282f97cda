"""Between the engine's words and the driver's."""

from slipyard.clients.container_engine import ContainerSpec, ContainerState, EngineEvent, FileMount, VolumeMount
from slipyard.deployer.docker import names
from slipyard.deployer.driver import InstanceEvent, InstanceSpec, InstanceVolume, Observation


def container_spec(installation_id: str, spec: InstanceSpec, mounts: tuple[FileMount, ...] = ()) -> ContainerSpec:
    """Inside its app's network an instance is found by the name of its service."""
    return ContainerSpec(
        name=names.container_name(installation_id, spec.instance_id),
        image=spec.image,
        env=spec.env,
        labels=names.instance_labels(installation_id, spec),
        network=names.network_name(installation_id, spec.app_id),
        address=spec.address,
        aliases=(spec.service, *spec.aliases),
        command=spec.command,
        entrypoint=spec.entrypoint,
        mounts=mounts,
        volumes=tuple(_volume_mount(installation_id, each) for each in spec.volumes),
        millicores=spec.resources.millicores,
        memory_bytes=spec.resources.memory_bytes,
        processes=spec.resources.processes,
    )


def _volume_mount(installation_id: str, mount: InstanceVolume) -> VolumeMount:
    return VolumeMount(names.volume_name(installation_id, mount.volume), mount.path, mount.read_only)


def observation(state: ContainerState) -> Observation:
    labels = state.labels
    installation, app, instance = labels[names.INSTALLATION], labels[names.APP], labels[names.INSTANCE]
    named = state.name == names.container_name(installation, instance)
    return Observation(
        instance_id=instance,
        app_id=app,
        container_id=state.container_id,
        image_id=state.image_id,
        running=state.running,
        paused=state.paused,
        exit_code=state.exit_code,
        out_of_memory=state.out_of_memory,
        restarts=state.restarts,
        started_at=state.started_at,
        restarting=state.restarting,
        astray=not named or state.networks != (names.network_name(installation, app),),
        named=named,
        addresses=state.addresses,
    )


def instance_event(event: EngineEvent) -> InstanceEvent:
    instance, app = event.labels[names.INSTANCE], event.labels[names.APP]
    return InstanceEvent(event.action, instance, app, event.container_id, event.exit_code)
