"""What a user's build may not ask for, because it would reach other tenants or run a frontend that nobody vetted."""

import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from slipyard.builder.buildkit.context_member import read_member
from slipyard.domain.errors import BuildFailed, ValidationFailed

CACHE_NAMESPACE_ARGUMENT = "BUILDKIT_CACHE_MOUNT_NS"
RESERVED_ARGUMENTS = {
    CACHE_NAMESPACE_ARGUMENT: "it keeps the cache mounts of different apps apart",
    "BUILDKIT_SYNTAX": "it would run another build frontend",
}
ALLOWED_SYNTAX = re.compile(r"(docker\.io/)?docker/dockerfile(:1[\w.-]*)?(@sha256:[0-9a-f]{64})?")
DIRECTIVE = re.compile(r"\s*(?:#|//)\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S+)")
# An error repeats the Dockerfile in one header, several times over; h2 takes a header of 1 MiB in 64 frames.
DOCKERFILE_LIMIT = 128 * 1024


def check_arguments(arguments: Mapping[str, str]) -> None:
    """`ValidationFailed` for a build argument that is Slipyard's own."""
    for name in RESERVED_ARGUMENTS.keys() & arguments.keys():
        raise ValidationFailed(
            f"The build argument {name} cannot be set: {RESERVED_ARGUMENTS[name]}. Remove it from the build's arguments."
        )


def check_dockerfile_in(context: Path, path: str) -> str:
    """Reads the Dockerfile out of the tar; blocking. `BuildFailed` where it is not there or not allowed."""
    return check_dockerfile(path, _read_dockerfile(context, path))


def check_dockerfile(path: str, content: bytes) -> str:
    """Its text."""
    if len(content) > DOCKERFILE_LIMIT:
        raise BuildFailed(
            f"{path} has {len(content)} bytes, and a Dockerfile may have {DOCKERFILE_LIMIT}. "
            "Move what makes it long into scripts that it copies."
        )
    text = content.decode("utf-8-sig", "replace")
    line, syntax = _find_syntax(text)
    if syntax and not ALLOWED_SYNTAX.fullmatch(syntax):
        raise BuildFailed(
            f"{path}:{line} asks for the build frontend {syntax!r}, and only docker/dockerfile:1 is allowed here: a "
            "frontend is a program that would run inside the builder. Remove the syntax line or name docker/dockerfile:1."
        )
    return text


def _read_dockerfile(context: Path, path: str) -> bytes:
    """Empty for a symbolic link: the builder follows it, and uses its own frontend in any case."""
    try:
        content = read_member(context, path, DOCKERFILE_LIMIT + 1)
    except tarfile.TarError as error:
        raise BuildFailed(f"The build's context is not a tar archive: {error}. Send it again.") from error
    if content is None:
        raise BuildFailed(
            f"There is no file {path!r} in what is built. Add the Dockerfile, say where it lies, "
            "or take its line out of .dockerignore."
        )
    return content


def _find_syntax(text: str) -> tuple[int, str | None]:
    """Line and value of the directive, which counts only above everything else (BuildKit's parser, `DetectSyntax`)."""
    for number, line in enumerate(text.splitlines(), start=1):
        directive = DIRECTIVE.match(line)
        if directive and directive[1].lower() == "syntax":
            return number, directive[2]
        if not directive and not (number == 1 and line.startswith("#!")):
            break
    return 0, None
