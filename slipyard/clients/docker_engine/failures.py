"""What the engine and the SDK raise, as our errors: each says what happened, why, and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError, DockerException
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from slipyard.domain.errors import Conflict, HostUnknown, NotFound, SlipyardError, SystemFault, Unavailable, UserError

_NOT_FOUND, _CONFLICT, _SERVER_ERRORS = 404, 409, 500
# The engine answers 403 or 500 for these, where the name of the status would say 409.
_TAKEN = ("already in use", "pool overlaps", "has active endpoints", "is already allocated")
_NO_SPACE = "no space left on device"
# What the engine passes on from a registry comes as 500, or in the stream after a 200.
# Go says the first only where a name server answered that there is no such name; one that is away is a timeout,
# "server misbehaving" or a "temporary failure in name resolution".
_NO_HOST = "no such host"
_AWAY = (
    "dial tcp",
    "connection refused",
    "name resolution",
    "timeout",
    "deadline exceeded",
    "eof",
    "service unavailable",
)
_REFUSED = ("denied", "unauthorized", "authentication required", "no basic auth")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """`what` completes the sentence "The container engine could not ..."."""
    try:
        yield
    except APIError as error:
        raise from_answer(what, error.status_code or _SERVER_ERRORS, error.explanation or str(error)) from error
    except (DockerException, RequestException, HTTPError, OSError, ValueError) as error:
        raise Unavailable(
            f"The container engine could not {what}: it does not answer ({_cause(error)}). "
            "Start Docker Engine, or point SLIPYARD_DOCKER_HOST at it; `slipyard doctor` checks the connection."
        ) from error


def from_answer(what: str, status: int, explanation: str) -> SlipyardError:
    error, advice = _judge(status, explanation.lower())
    return error(f"The container engine could not {what}: {explanation.strip().rstrip('.')}. {advice}")


def _judge(status: int, explanation: str) -> tuple[type[SlipyardError], str]:
    """The first line that fits."""

    def says(*words: str) -> bool:
        return any(word in explanation for word in words)

    table = (
        (says(_NO_SPACE), Unavailable, "Free space on its disk, then try again."),
        (status == _CONFLICT or says(*_TAKEN), Conflict, "Use another one, or remove what holds it."),
        (status == _NOT_FOUND, NotFound, "Check the name, and that nobody removed it."),
        (says(*_REFUSED), UserError, "Check the credentials, and what they may do."),
        (status < _SERVER_ERRORS, UserError, "Change what was asked for."),
        (says(_NO_HOST), HostUnknown, "Check the name, and that this machine's name servers know it."),
        (says(*_AWAY), Unavailable, "Try again when it answers."),
        (True, SystemFault, "Look into the engine's own log."),
    )
    return next((error, advice) for fits, error, advice in table if fits)


def _cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
