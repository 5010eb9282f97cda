"""The legal moves of builds, deployments and instances, one meaning to a line. Only `store/transition.py` makes them."""

from enum import StrEnum


class BuildStatus(StrEnum):
    QUEUED = "queued"  # written down, waits for a build worker
    RUNNING = "running"  # a worker holds the claim
    SUCCEEDED = "succeeded"  # the image is in the engine; `published_at` says whether it is in the registry too
    FAILED = "failed"  # `error` says why
    CANCELLED = "cancelled"  # somebody asked
    SUPERSEDED = "superseded"  # a newer push took its place before it began


class DeploymentStatus(StrEnum):
    PENDING = "pending"  # written down, waits for a worker or for the app's turn
    BUILDING = "building"  # its build runs, or is done and the app's turn is awaited
    DEPLOYING = "deploying"  # instances are being started beside the old ones
    VERIFYING = "verifying"  # instances are being probed
    ACTIVE = "active"  # traffic goes here
    SUPERSEDED = "superseded"  # a later deployment took over
    ROLLED_BACK = "rolled_back"  # it went bad after the switch, the release before serves again
    FAILED = "failed"  # never received traffic; `error` says why
    CANCELLED = "cancelled"  # somebody asked, or a newer deployment overtook it


class InstanceStatus(StrEnum):
    PLANNED = "planned"  # name and address issued, the container may or may not exist yet
    STARTED = "started"  # the container runs, not probed
    READY = "ready"  # answered its probe
    SERVING = "serving"  # in the current route
    DRAINING = "draining"  # out of the route, finishes its requests, and is to be paused afterwards
    PAUSED = "paused"  # frozen with its memory, for a way back; never routed, never healed
    RETIRING = "retiring"  # out of every route; only now may its container be stopped and removed
    RETIRED = "retired"  # the container is gone and the address is free


BUILD_MOVES: dict[BuildStatus, frozenset[BuildStatus]] = {
    BuildStatus.QUEUED: frozenset(
        {BuildStatus.RUNNING, BuildStatus.CANCELLED, BuildStatus.SUPERSEDED, BuildStatus.FAILED}
    ),
    BuildStatus.RUNNING: frozenset({BuildStatus.SUCCEEDED, BuildStatus.FAILED, BuildStatus.CANCELLED}),
    BuildStatus.SUCCEEDED: frozenset(),
    BuildStatus.FAILED: frozenset(),
    BuildStatus.CANCELLED: frozenset(),
    BuildStatus.SUPERSEDED: frozenset(),
}

_OVER_BEFORE_ACTIVE = frozenset({DeploymentStatus.FAILED, DeploymentStatus.CANCELLED})

DEPLOYMENT_MOVES: dict[DeploymentStatus, frozenset[DeploymentStatus]] = {
    DeploymentStatus.PENDING: _OVER_BEFORE_ACTIVE | {DeploymentStatus.BUILDING, DeploymentStatus.DEPLOYING},
    DeploymentStatus.BUILDING: _OVER_BEFORE_ACTIVE | {DeploymentStatus.DEPLOYING},
    DeploymentStatus.DEPLOYING: _OVER_BEFORE_ACTIVE | {DeploymentStatus.VERIFYING},
    DeploymentStatus.VERIFYING: _OVER_BEFORE_ACTIVE | {DeploymentStatus.ACTIVE},
    DeploymentStatus.ACTIVE: frozenset({DeploymentStatus.SUPERSEDED, DeploymentStatus.ROLLED_BACK}),
    DeploymentStatus.SUPERSEDED: frozenset(),
    DeploymentStatus.ROLLED_BACK: frozenset(),
    DeploymentStatus.FAILED: frozenset(),
    DeploymentStatus.CANCELLED: frozenset(),
}

INSTANCE_MOVES: dict[InstanceStatus, frozenset[InstanceStatus]] = {
    InstanceStatus.PLANNED: frozenset({InstanceStatus.STARTED, InstanceStatus.RETIRING}),
    InstanceStatus.STARTED: frozenset({InstanceStatus.READY, InstanceStatus.RETIRING}),
    InstanceStatus.READY: frozenset({InstanceStatus.SERVING, InstanceStatus.RETIRING}),
    InstanceStatus.SERVING: frozenset({InstanceStatus.RETIRING, InstanceStatus.DRAINING}),
    # Taken back by a deployment of their release, they are probed like any other that was started.
    InstanceStatus.DRAINING: frozenset({InstanceStatus.PAUSED, InstanceStatus.STARTED, InstanceStatus.RETIRING}),
    InstanceStatus.PAUSED: frozenset({InstanceStatus.STARTED, InstanceStatus.RETIRING}),
    InstanceStatus.RETIRING: frozenset({InstanceStatus.RETIRED}),
    InstanceStatus.RETIRED: frozenset(),
}

COMING = (InstanceStatus.PLANNED, InstanceStatus.STARTED, InstanceStatus.READY)
LIVE = (*COMING, InstanceStatus.SERVING)
ASIDE = (InstanceStatus.DRAINING, InstanceStatus.PAUSED)
"""Out of the route, and still of use for a way back."""

Status = BuildStatus | DeploymentStatus | InstanceStatus


def is_terminal(status: Status) -> bool:
    """Whether nothing follows. `active` is not terminal, but a deployment that reached it is over for who waits."""
    return not moves_from(status)


def moves_from(status: Status) -> frozenset[Status]:
    match status:
        case BuildStatus():
            return frozenset(BUILD_MOVES[status])
        case DeploymentStatus():
            return frozenset(DEPLOYMENT_MOVES[status])
        case InstanceStatus():
            return frozenset(INSTANCE_MOVES[status])


def is_over(status: DeploymentStatus) -> bool:
    """Whether an attempt has its outcome: what `?wait` and `--follow` wait for."""
    return status is DeploymentStatus.ACTIVE or is_terminal(status)
