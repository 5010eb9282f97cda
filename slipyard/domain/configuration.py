"""What an app is given when it runs or is built: variables, and secrets that are written and never shown."""

import posixpath
from enum import StrEnum
from typing import Literal

from pydantic import Field

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.values import Value

DEFAULT_MODE = 0o444
_MOST_MODE = 0o777
_LONGEST_PATH = 1000
_TAKEN = ("/proc", "/sys", "/dev")  # the engine's own mounts


class SecretUse(StrEnum):
    RUN = "run"  # variables may refer to it, and it may lie in a file
    BUILD = "build"  # mounted in builds that ask for it; never there at run time


class Secret(Value):
    """`value`, or `origin`: the name of a store and a key in it, such as `vault:shop/db#password`."""

    value: str | None = Field(None, repr=False)
    origin: str | None = None
    use: SecretUse = SecretUse.RUN
    path: str | None = Field(None, description="Where it lies as a file in every container of a release")
    mode: int = DEFAULT_MODE


class Configuration(Value):
    """Variables as they were written: references in them are resolved when a release is made."""

    env: dict[str, str] = Field(default_factory=dict, repr=False)
    secrets: dict[str, Secret] = Field(default_factory=dict)


EntryKind = Literal["variable", "secret"]


class VersionEntry(Value):
    """What a version says in the open."""

    kind: EntryKind
    name: str
    fingerprint: str


class SecretFile(Value):
    """One file of a release, with what is in it."""

    path: str
    mode: int
    content: str = Field(repr=False)
    service: str | None = Field(None, description="Given to this one alone; None: to all that run the app's code")

    def is_for(self, service: str, *, foreign: bool) -> bool:
        return not foreign if self.service is None else self.service == service


def check_path(path: str) -> str:
    """`ValidationFailed` where nothing can be mounted there."""
    clean = posixpath.normpath(path)
    if not path.startswith("/") or path != clean or clean == "/" or len(path) > _LONGEST_PATH or not path.isprintable():
        raise _bad(
            "path", f"{path[:100]!r} is no absolute path without '..' and double slashes, such as /run/secrets/key."
        )
    if any(clean == taken or clean.startswith(f"{taken}/") for taken in _TAKEN):
        raise _bad("path", f"{path} lies in a directory of the kernel. Choose another, such as /run/secrets/key.")
    return path


def check_mode(text: str) -> int:
    """ "0440" -> 0o440."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _MOST_MODE:
        raise _bad("mode", f"{text[:20]!r} is no mode of a file: give three octal digits, such as 0440.")
    return mode


def _bad(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem(field, "cannot be used")])
