"""What a language makes of a tree: the text of a Dockerfile that people can read, keep and change."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

PORT = 8080
_SIMPLE = re.compile(r"[^;&|<>()`\n]+")
_USER_ID = 10001


@dataclass(frozen=True)
class Wishes:
    """What the app's owner said. `start_command` is the app's own setting or the Procfile's `web`."""

    build_command: str | None = None
    start_command: str | None = None
    build_args: Sequence[str] = ()
    secrets: Sequence[str] = ()


@dataclass(frozen=True)
class Recipe:
    """`detected` names the kind of app and its version for people; `explanation` says why, in sentences."""

    detected: str
    dockerfile: str
    explanation: tuple[str, ...]


def dockerfile(*blocks: Sequence[str]) -> str:
    """Blocks of instructions, parted by empty lines."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def run(command: str, *, caches: Sequence[str] = (), secrets: Sequence[str] = ()) -> str:
    """A RUN instruction. Secrets are mounts, never layers, and stand in the environment of this command only."""
    mounts = [f"--mount=type=cache,target={cache}" for cache in caches]
    mounts += [f"--mount=type=secret,id={secret}" for secret in secrets]
    reads = [f'export {secret}="$(cat /run/secrets/{secret})"' for secret in secrets]
    return " \\\n    ".join(
        ["RUN " + " ".join(mounts), " && ".join([*reads, command])] if mounts else [f"RUN {command}"]
    )


def arguments(wishes: Wishes) -> list[str]:
    return [f"ARG {name}" for name in wishes.build_args]


def as_user() -> list[str]:
    """A user of its own, so that nothing in the app runs as root; the files of the app are its own."""
    return [f"RUN useradd --uid {_USER_ID} --create-home app"]


def start(command: str) -> list[str]:
    """The end of every recipe: the port by the usual name, and the command as process 1, so that signals reach it."""
    return ["USER app", f"ENV PORT={PORT}", f"EXPOSE {PORT}", f"CMD {json.dumps(list(shell_command(command)))}"]


def shell_command(command: str) -> tuple[str, ...]:
    """Arguments that run a line as people write it; a single program takes the place of the shell and gets its signals."""
    line = command.strip()
    first = shlex.split(line, posix=False)[0] if _SIMPLE.fullmatch(line) and _splits(line) else ""
    single = bool(first) and first != "exec" and "=" not in first
    return ("/bin/sh", "-c", f"exec {line}" if single else line)


def _splits(line: str) -> bool:
    try:
        return bool(shlex.split(line, posix=False))
    except ValueError:
        return False
