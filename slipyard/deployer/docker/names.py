"""How our things are named and labelled in an engine that others use too."""

from collections.abc import Mapping

from slipyard.deployer.driver import InstanceSpec

INSTALLATION = "slipyard.installation"
APP = "slipyard.app"
INSTANCE = "slipyard.instance"
DEPLOYMENT = "slipyard.deployment"
RELEASE = "slipyard.release"
SERVICE = "slipyard.service"
COMMAND = "slipyard.command"  # one that somebody runs; it is no instance


def container_name(installation_id: str, instance_id: str) -> str:
    return f"slipyard-{installation_id}-{instance_id}"


def network_name(installation_id: str, app_id: str) -> str:
    return f"slipyard-{installation_id}-{app_id}"


def network_labels(installation_id: str, app_id: str) -> dict[str, str]:
    return {INSTALLATION: installation_id, APP: app_id}


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
