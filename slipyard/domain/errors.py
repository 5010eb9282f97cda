"""The user's faults and ours are different types; both say what happened, why, and what to do next.

`UserError` is answered with its 4xx and logged at info. `SystemFault` is ours: answered with its 5xx, logged with a
trace, and retried where a retry can help.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldProblem:
    field: str
    message: str


class SlipyardError(Exception):
    """A sentence for people, a code for programs, an HTTP status for both."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, details: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class UserError(SlipyardError):
    code = "bad_request"
    status = 400


class Unauthorized(UserError):
    code = "unauthorized"
    status = 401


class InsufficientScope(UserError):
    code = "insufficient_scope"
    status = 403


class QuotaExceeded(UserError):
    code = "quota_exceeded"
    status = 403


class NotFound(UserError):
    """Also for what the caller may not see."""

    code = "not_found"
    status = 404


class Conflict(UserError):
    code = "conflict"
    status = 409


class Locked(Conflict):
    """The app is locked: somebody holds its deployments, and said why."""

    code = "locked"


class IdempotencyMismatch(UserError):
    code = "idempotency_mismatch"
    status = 409


class PreconditionFailed(UserError):
    code = "precondition_failed"
    status = 412


class TooLarge(UserError):
    code = "too_large"
    status = 413


class UnsupportedMediaType(UserError):
    code = "unsupported_media_type"
    status = 415


class ValidationFailed(UserError):
    code = "validation_error"
    status = 422


class Immutable(UserError):
    code = "immutable"
    status = 422


class SourceRefused(ValidationFailed):
    """A URL, ref, archive or image reference that is broken, forbidden or not there."""


class RefNotFound(SourceRefused):
    """The repository may be read, and has no such branch or commit."""


class CodeHostRefused(UserError):
    """The API of a code host said no: the token, its rights or the repository's name. The same call is refused again."""

    code = "code_host_refused"
    status = 422


class SecretRefused(UserError):
    """A store of secrets has no such secret, or does not give it to us: the same call is refused again."""

    code = "secret_refused"
    status = 422


class BuildFailed(UserError):
    """The user's Dockerfile or code did not build. `log_tail` holds the last lines of the failing step."""

    code = "build_failed"
    status = 422

    def __init__(self, message: str, *, log_tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log_tail = tuple(log_tail)


class RolloutFailed(UserError):
    """The new release did not get ready. `log_tail` holds the last lines that its containers wrote."""

    code = "rollout_failed"
    status = 422

    def __init__(self, message: str, *, log_tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log_tail = tuple(log_tail)


class SystemFault(SlipyardError):
    """Ours: something that Slipyard stands on did not do its part."""


class Unavailable(SystemFault):
    """An outside system does not answer now; the same call may succeed later."""

    code = "unavailable"
    status = 503


class DiskFull(Unavailable):
    """Nothing can be written down. What was written before is whole, and all goes on by itself once there is room."""

    code = "disk_full"
    status = 507


class HostUnknown(Unavailable):
    """DNS says that a host does not exist, which a name server that is away does not. Whose mistake it is, its caller knows."""

    code = "host_unknown"


class AskedToWait(Unavailable):
    """It answers, and says that it is asked too often: the same call is good again after `seconds`."""

    code = "asked_to_wait"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class LeaseLost(SystemFault):
    """Another process holds this work now: stop at once, write nothing more."""

    code = "lease_lost"


class StatusConflict(SystemFault):
    """A guarded transition found the row in another status, or held by another claim."""

    code = "status_conflict"
    status = 409
