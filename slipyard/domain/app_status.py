"""An app's status is never stored: it is computed from what is wanted, what is under way and what runs."""

from dataclasses import dataclass
from enum import StrEnum

from slipyard.domain.lifecycle import DeploymentStatus


class AppStatus(StrEnum):
    CREATING = "creating"
    BUILDING = "building"
    DEPLOYING = "deploying"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SLEEPING = "sleeping"
    DEGRADED = "degraded"
    FAILED = "failed"
    DELETING = "deleting"
    REMOVED = "removed"


_AT_WORK = frozenset({DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING, DeploymentStatus.VERIFYING})


@dataclass(frozen=True)
class AppFacts:
    """What the status is computed from. `wanted` and `serving` count routed instances, those that are well."""

    deleting: bool
    removed: bool
    stopped: bool
    latest: DeploymentStatus | None
    active: bool
    wanted: int
    serving: int
    occupied: int
    last_error: str | None
    trouble: str | None = None  # of one of its instances
    crash_loop: bool = False
    asleep: bool = False
    held: str | None = None  # what the latest deployment waits for, and may for days


def app_status(facts: AppFacts) -> tuple[AppStatus, str]:
    """The status and a sentence that says why."""
    if facts.removed:
        return AppStatus.REMOVED, "Deleted."
    if facts.deleting:
        return AppStatus.DELETING, "Its containers, network and images are being removed."
    if facts.held is not None:
        status, message = _standing(facts)
        return status, f"{message} {facts.held}"
    if facts.latest is DeploymentStatus.BUILDING:
        return AppStatus.BUILDING, "A build is under way."
    if facts.latest in _AT_WORK:
        return AppStatus.DEPLOYING, f"A deployment is {facts.latest}."
    return _standing(facts)


def _standing(facts: AppFacts) -> tuple[AppStatus, str]:
    if facts.asleep:
        return AppStatus.SLEEPING, "Asleep until somebody asks for it: the first request wakes it, and so does a start."
    return _stopped(facts) if facts.stopped else _live(facts) if facts.active else _never_live(facts)


def _stopped(facts: AppFacts) -> tuple[AppStatus, str]:
    if facts.occupied:
        return AppStatus.STOPPING, "Its instances are finishing their requests."
    return AppStatus.STOPPED, "Stopped on purpose; `slipyard start` brings it back."


def _never_live(facts: AppFacts) -> tuple[AppStatus, str]:
    if facts.latest is DeploymentStatus.FAILED:
        return AppStatus.FAILED, facts.last_error or "The last deployment failed."
    return AppStatus.CREATING, "Nothing was deployed yet: push to its git remote, or deploy an image or a directory."


def _live(facts: AppFacts) -> tuple[AppStatus, str]:
    of_all = f"{facts.serving} of {facts.wanted} instances serve."
    if facts.serving == 0 and facts.wanted > 0:
        status = AppStatus.DEGRADED if facts.trouble and not facts.crash_loop else AppStatus.RESTARTING
        return status, facts.trouble or "No instance serves; Slipyard is starting one."
    if facts.serving < facts.wanted or facts.trouble:
        return AppStatus.DEGRADED, f"{of_all} {facts.trouble}" if facts.trouble else of_all
    return AppStatus.RUNNING, "All instances serve."
