"""When an instance counts as ready: an HTTP answer, an accepted TCP connection, or a command inside it that succeeds."""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from slipyard.domain.values import Value

_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # a token of RFC 9110
_HEADER_VALUE = re.compile(r"[^\x00-\x1f\x7f]{0,1024}")
_MOST_HEADERS = 20


class HealthType(StrEnum):
    HTTP = "http"
    TCP = "tcp"
    COMMAND = "command"


def status_ranges(text: str) -> tuple[range, ...]:
    """ "200-299,304" as ranges. Raises `ValueError` with what is right."""
    found = [_STATUS.fullmatch(part.strip()) for part in text.split(",")]
    ranges = [range(int(part[1]), int(part[2] or part[1]) + 1) for part in found if part]
    if len(ranges) != len(found) or not all(ranges):
        raise ValueError('expected_status lists statuses and ranges of them, for example "200-299" or "200,301-302"')
    return tuple(ranges)


def _status_text(given: Any) -> Any:
    """A number and a list are what others write."""
    text = ",".join(map(str, given)) if isinstance(given, (list, tuple)) else given
    text = str(text) if isinstance(text, int) and not isinstance(text, bool) else text
    if isinstance(text, str):
        status_ranges(text)
    return text


def _headers(given: dict[str, str]) -> dict[str, str]:
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"{name!r} cannot be sent as a header: its name is a token and its value is one line")
    return given


Argument = Annotated[str, Field(max_length=4096, pattern=r"^[^\x00]*$")]
Command = Argument | Annotated[tuple[Argument, ...], Field(min_length=1, max_length=100)]
"""One text is a line for `/bin/sh -c`; a list is a program and its arguments, for images without a shell."""


class HealthCheck(Value):
    type: HealthType | None = Field(
        None, description="Default: command or http where one is given, else the image's HEALTHCHECK, else tcp"
    )
    path: str | None = Field(None, pattern=r"^/[^\s\x00-\x1f]*$", max_length=1024, examples=["/healthz"])
    expected_status: Annotated[str, BeforeValidator(_status_text)] = Field(
        "200-299", max_length=200, description="A redirect or an error is ready only where this says so"
    )
    headers: Annotated[dict[str, str], Field(max_length=_MOST_HEADERS), AfterValidator(_headers)] = Field(
        default_factory=dict, description="Sent with an HTTP check, Host among them; default Host: localhost"
    )
    command: Command | None = Field(None, description="Runs inside the instance; exit code 0 is ready")
    interval: float = Field(10.0, gt=0, le=300, description="Seconds between checks once it serves")
    timeout: float = Field(5.0, gt=0, le=300, description="Seconds one check may take")
    retries: int = Field(3, ge=1, le=100, description="Failures in a row that make it unhealthy")
    start_period: float = Field(60.0, gt=0, le=3600, description="Seconds a new instance has to become ready")

    @property
    def says_how(self) -> bool:
        """Whether anybody said how to ask; else an image's own HEALTHCHECK is honoured."""
        return self.type is not None or self.path is not None or self.command is not None

    @property
    def kind(self) -> HealthType:
        if self.type is not None:
            return self.type
        if self.command is not None:
            return HealthType.COMMAND
        return HealthType.TCP if self.path is None else HealthType.HTTP

    def expects(self, status: int) -> bool:
        return any(status in each for each in status_ranges(self.expected_status))


def arguments(command: Command) -> tuple[str, ...]:
    return ("/bin/sh", "-c", command) if isinstance(command, str) else command
