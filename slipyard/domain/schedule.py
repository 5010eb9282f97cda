"""What a schedule is told to be, and what can become of one of its runs."""

from enum import StrEnum

MOST_SCHEDULES = 50  # of one app


class Overlap(StrEnum):
    """What happens where the run before has not ended when the next one is due."""

    ALLOW = "allow"  # both run
    FORBID = "forbid"  # the next one is skipped
    REPLACE = "replace"  # the one before is ended


class RunStatus(StrEnum):
    WAITING = "waiting"  # for its container, or for its next attempt
    RUNNING = "running"
    SUCCEEDED = "succeeded"  # exit code 0
    FAILED = "failed"  # after its last attempt
    SKIPPED = "skipped"  # never started, with the reason
    REPLACED = "replaced"  # ended for the next one
    CANCELLED = "cancelled"


class RunCause(StrEnum):
    DUE = "due"
    MISSED = "missed"  # due while Slipyard was down; however many there were, it is one
    ASKED = "asked"  # `slipyard schedules run`
