"""How our things are named and labelled in an engine that others use too."""

from collections.abc import Mapping

from slipyard.deployer.driver import EngineVolume, InstanceSpec

INSTALLATION = "slipyard.installation"
APP = "slipyard.app"
INSTANCE = "slipyard.instance"
DEPLOYMENT = "slipyard.deployment"
RELEASE = "slipyard.release"
SERVICE = "slipyard.service"
VOLUME = "slipyard.volume"
DOOR = "slipyard.door"  # a container through which files of a volume are copied
COMMAND = "slipyard.command"  # one that somebody runs; it is no instance


def container_name(installation_id: str, instance_id: str) -> str:
    return f"slipyard-{installation_id}-{instance_id}"


def network_name(installation_id: str, app_id: str) -> str:
    return f"slipyard-{installation_id}-{app_id}"


def network_labels(installation_id: str, app_id: str) -> dict[str, str]:
    return {INSTALLATION: installation_id, APP: app_id}


def volume_name(installation_id: str, volume: EngineVolume) -> str:
    return f"slipyard-{installation_id}-{volume.id}-{volume.generation}"


def volume_labels(installation_id: str, volume: EngineVolume) -> dict[str, str]:
    return {INSTALLATION: installation_id, VOLUME: volume.id}


def door_labels(installation_id: str, who: str) -> dict[str, str]:
    return {INSTALLATION: installation_id, DOOR: who}


def door_image(installation_id: str) -> str:
    """An empty one."""
    return f"slipyard-{installation_id}/door:1"


def instance_labels(installation_id: str, spec: InstanceSpec) -> dict[str, str]:
    return {
        INSTALLATION: installation_id,
        APP: spec.app_id,
        INSTANCE: spec.instance_id,
        DEPLOYMENT: spec.deployment_id,
        RELEASE: spec.release_id,
        SERVICE: spec.service,
    }


def command_labels(installation_id: str, spec: InstanceSpec) -> dict[str, str]:
    return {
        INSTALLATION: installation_id,
        APP: spec.app_id,
        COMMAND: spec.instance_id,
        RELEASE: spec.release_id,
    }


def is_instance(labels: Mapping[str, str], installation_id: str) -> bool:
    return labels.get(INSTALLATION) == installation_id and INSTANCE in labels and APP in labels
