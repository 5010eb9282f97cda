"""The one function that says what a container may do."""

from typing import Any

from slipyard.clients.container_engine import ContainerSpec, VolumeMount

# What ordinary images need to chown, to drop to their own user, to signal their children and to listen below 1024.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
_INTERACTIVE = {
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
    "OpenStdin": True,
    "StdinOnce": True,
}
_NANO_CPUS_PER_MILLICORE = 1_000_000
_USUAL_CPU_SHARES = 1024


def container_body(spec: ContainerSpec) -> dict[str, Any]:
    """The body of `POST /containers/create`. A `command` replaces the image's CMD and keeps its ENTRYPOINT; an `entrypoint`
    leaves nothing of either."""
    return {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "Labels": dict(spec.labels),
        **_program(spec),
        "HostConfig": _host_config(spec),
        **(_INTERACTIVE if spec.open_input else {}),
        **({"Tty": True} if spec.terminal else {}),
        "NetworkingConfig": {"EndpointsConfig": {spec.network: _endpoint(spec)}},
    }


def _program(spec: ContainerSpec) -> dict[str, Any]:
    if spec.entrypoint is None:
        return {"Cmd": None if spec.command is None else list(spec.command)}
    return {"Entrypoint": list(spec.entrypoint), "Cmd": list(spec.command or ())}


def _host_config(spec: ContainerSpec) -> dict[str, Any]:
    return {
        "NetworkMode": spec.network,
        "RestartPolicy": {"Name": "no"},
        "Init": True,
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": ["no-new-privileges"],
        **_limits(spec),
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": f"{spec.log_megabytes}m", "max-file": str(spec.log_files)},
        },
    }


def limits_body(spec: ContainerSpec) -> dict[str, Any]:
    """The body of `POST /containers/{id}/update`: zero would leave a share as it is, so the usual one is said."""
    return {**_limits(spec), "CpuShares": _USUAL_CPU_SHARES}


def _limits(spec: ContainerSpec) -> dict[str, int]:
    return {
        "NanoCpus": spec.millicores * _NANO_CPUS_PER_MILLICORE,
        "Memory": spec.memory_bytes,
        "MemorySwap": spec.memory_bytes,  # the same as Memory: no swap on top of it
        "PidsLimit": spec.processes,
        **_mounts(spec),
    }


def _mounts(spec: ContainerSpec) -> dict[str, Any]:
    """A source that is not there is an error, and not a new directory. What the image has at a volume's path is copied
    into it while it is empty."""
    files = [{"Type": "bind", "Source": each.source, "Target": each.path, "ReadOnly": True} for each in spec.mounts]
    volumes = [_volume(each) for each in spec.volumes]
    return {"Mounts": [*files, *volumes]} if files or volumes else {}


def _volume(mount: VolumeMount) -> dict[str, Any]:
    """As the engine repeats it: what is false is not there."""
    body = {"Type": "volume", "Source": mount.volume, "Target": mount.path}
    return {**body, "ReadOnly": True} if mount.read_only else body


def _endpoint(spec: ContainerSpec) -> dict[str, Any]:
    return {"IPAMConfig": {"IPv4Address": spec.address}, "Aliases": list(spec.aliases)}
