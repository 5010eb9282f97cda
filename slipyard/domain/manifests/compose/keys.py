"""What a service may say, what does not count here and why, and what is refused, each with its sentence."""

_OWN_ENGINE = "would reach beyond its container, which apps may not"
_IN_DOCKERFILE = "is part of the image here: say it in the Dockerfile"

READ = frozenset({
    "image", "build", "command", "entrypoint", "environment", "env_file", "expose", "ports", "depends_on", "healthcheck",
    "volumes", "secrets", "deploy", "stop_grace_period", "scale", "mem_limit", "cpus", "networks", "profiles",
    "x-slipyard", "restart",
})  # fmt: skip

# Without them a service does the same here.
SILENT = frozenset({"restart", "tty", "stdin_open", "init", "pull_policy", "attach"})

IGNORED = {
    "annotations": "does not count",
    "cap_drop": "does not count: containers of apps have few capabilities as it is",
    "cpu_count": "does not count: cpus and deploy.resources.limits do",
    "cpu_percent": "does not count: cpus and deploy.resources.limits do",
    "cpu_period": "does not count: cpus and deploy.resources.limits do",
    "cpu_quota": "does not count: cpus and deploy.resources.limits do",
    "cpu_shares": "does not count: cpus and deploy.resources.limits do",
    "develop": "does not count: it is for a machine where the app is written",
    "hostname": "does not count: services find each other by their names",
    "label_file": "does not count: containers have the labels of Slipyard",
    "labels": "does not count: containers have the labels of Slipyard",
    "logging": "does not count: output is kept by Slipyard, and `slipyard drains` forwards it",
    "mem_reservation": "does not count",
    "mem_swappiness": "does not count",
    "memswap_limit": "does not count",
    "oom_score_adj": "does not count",
    "pull_refresh_after": "does not count: an image is pulled and pinned at its first deployment",
    "pids_limit": "does not count: the plan says how many processes there may be",
    "read_only": "does not count: the container may write into itself",
    "shm_size": "does not count: it is what the engine gives",
    "stop_signal": f"does not count: it {_IN_DOCKERFILE}",
    "tmpfs": "does not count: what is written there lies in the container",
    "ulimits": "does not count",
}

REFUSED = {
    "blkio_config": _OWN_ENGINE,
    "cap_add": _OWN_ENGINE,
    "cgroup": _OWN_ENGINE,
    "cgroup_parent": _OWN_ENGINE,
    "configs": "is not read. Put the file into the image, or make it a secret with `slipyard secrets set --path`",
    "container_name": "cannot be chosen: several releases run side by side. Services find each other by their names",
    "cpu_rt_period": _OWN_ENGINE,
    "cpu_rt_runtime": _OWN_ENGINE,
    "cpuset": _OWN_ENGINE,
    "credential_spec": _OWN_ENGINE,
    "device_cgroup_rules": _OWN_ENGINE,
    "devices": _OWN_ENGINE,
    "dns": "cannot be chosen: names of services are found by the engine",
    "dns_opt": "cannot be chosen: names of services are found by the engine",
    "dns_search": "cannot be chosen: names of services are found by the engine",
    "domainname": "cannot be chosen. Services find each other by their names",
    "extends": "is not followed. Write the service out, or use YAML anchors and merge keys",
    "external_links": "leads to what is not this app's. Give its address as a variable: `slipyard env set DB='${app:db.url}'`",
    "extra_hosts": "cannot be chosen. Give the address as a variable",
    "gpus": "is not offered",
    "group_add": f"cannot be chosen: it {_IN_DOCKERFILE}",
    "ipc": _OWN_ENGINE,
    "isolation": _OWN_ENGINE,
    "links": "is not needed: services find each other by their names. Write depends_on for the order",
    "mac_address": "cannot be chosen",
    "models": "are not offered",
    "network_mode": f"{_OWN_ENGINE}. Services of an app share one network and find each other by name",
    "oom_kill_disable": _OWN_ENGINE,
    "pid": _OWN_ENGINE,
    "platform": "cannot be chosen for a service alone; the app's source says it for all (PATCH source.platform)",
    "post_start": "is not run. `after_deploy` in x-slipyard runs once in each deployment",
    "pre_stop": "is not run. Do it when the process gets its stop signal",
    "privileged": _OWN_ENGINE,
    "provider": "is not run",
    "runtime": _OWN_ENGINE,
    "security_opt": _OWN_ENGINE,
    "storage_opt": _OWN_ENGINE,
    "sysctls": _OWN_ENGINE,
    "use_api_socket": _OWN_ENGINE,
    "user": f"cannot be chosen: it {_IN_DOCKERFILE} (USER)",
    "userns_mode": _OWN_ENGINE,
    "uts": _OWN_ENGINE,
    "volumes_from": "takes what is another service's. Name the volume in both services",
    "working_dir": f"cannot be chosen: it {_IN_DOCKERFILE} (WORKDIR)",
}

HARMLESS_TRUTHS = frozenset(
    {"privileged", "oom_kill_disable", "use_api_socket"}
)  # `privileged: false` asks for nothing
