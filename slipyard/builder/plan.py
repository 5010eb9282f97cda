"""How a tree becomes an image: by its own Dockerfile, or by one written for the kind of app that it is."""

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from slipyard.builder.image_build import Dockerfile
from slipyard.builder.languages import go, node, python, static_site
from slipyard.builder.languages.procfile import parse_procfile
from slipyard.builder.languages.recipe import PORT, Wishes
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.builder.source_tree import SourceTree
from slipyard.domain.errors import SourceRefused
from slipyard.domain.release import WEB
from slipyard.domain.source import Source

_LANGUAGES = (python.recognise, node.recognise, go.recognise, static_site.recognise)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPOSE = re.compile(r"^\s*EXPOSE\b[^\n]*?\s(?P<port>[0-9]{1,5})(?:/tcp)?(?=\s|$)", re.MULTILINE | re.IGNORECASE)
_STAGE = re.compile(r"^\s*FROM\s+\S+(?:\s+--\S+)*(?:.*?\s+AS\s+(?P<name>\S+))?\s*$", re.MULTILINE | re.IGNORECASE)
_MAXIMUM_PORT = 65535
_MAXIMUM_COMMAND = 4096
_MAXIMUM_DOCKERFILE = 1024 * 1024
# What no image of a recognised app needs; a .dockerignore of one's own takes its place.
_USUALLY_IGNORED = ("**/.git", "**/node_modules", "**/.venv", "**/__pycache__", "**/.env", ".dockerignore")


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides an image besides the tree. `dockerfile.path` counts from `subdirectory`.

    `processes` are commands by name, from the Procfile and the app's start command; without `web` the image's own
    command runs. `port_hint` is what the Dockerfile exposes. `default_ignores` count where there is no .dockerignore.
    """

    dockerfile: Dockerfile
    subdirectory: str
    build_args: Mapping[str, str]
    secrets: tuple[str, ...]
    target: str | None
    platform: str | None
    processes: Mapping[str, str]
    generated: bool = False
    detected: str | None = None
    port_hint: int | None = None
    default_ignores: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()

    def key(self, snapshot_digest: str) -> str:
        """Equal for an equal tree and plan, so that the image can be used again. Build secrets' values are not in it."""
        parts = [
            snapshot_digest, self.dockerfile.path, self.dockerfile.text, self.subdirectory, dict(self.build_args),
            list(self.secrets), self.target, self.platform, list(self.default_ignores),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def plan_build(reader: SnapshotReader, source: Source) -> BuildPlan:
    """`SourceRefused` where nothing is recognised, saying what was looked for and what to add. Blocking: it reads files."""
    subdirectory = _inside(source.subdirectory, "subdirectory")
    _check_wishes(source)
    tree = SourceTree(reader, subdirectory)
    plan = _asked_for(tree, source, subdirectory)
    path = _dockerfile_path(reader, subdirectory, source)
    return _by_language(tree, source, plan) if path is None else _by_dockerfile(reader, path, plan)


def _asked_for(tree: SourceTree, source: Source, subdirectory: str) -> BuildPlan:
    return BuildPlan(
        dockerfile=Dockerfile(),
        subdirectory=subdirectory,
        build_args=source.build_args,
        secrets=tuple(source.build_secrets),
        target=source.target,
        platform=source.platform,
        processes=_processes(tree, source),
    )


def _by_dockerfile(reader: SnapshotReader, path: str, plan: BuildPlan) -> BuildPlan:
    text = reader.read(path, _MAXIMUM_DOCKERFILE).decode("utf-8-sig", errors="replace")
    _check_target(text, plan.target)
    inside = not plan.subdirectory or path.startswith(f"{plan.subdirectory}/")
    relative = posixpath.relpath(path, plan.subdirectory or ".")
    return replace(
        plan,
        dockerfile=Dockerfile(relative) if inside else Dockerfile(posixpath.basename(path), text),
        detected="dockerfile",
        port_hint=_exposed(text, plan.target),
        explanation=(f"{path} says how it is built.",),
    )


def _by_language(tree: SourceTree, source: Source, plan: BuildPlan) -> BuildPlan:
    wishes = Wishes(source.build_command, plan.processes.get(WEB), tuple(sorted(plan.build_args)), plan.secrets)
    recipe = next((recipe for recognise in _LANGUAGES if (recipe := recognise(tree, wishes))), None)
    if recipe is None:
        raise SourceRefused(_nothing_recognised(tree, plan.subdirectory))
    return replace(
        plan,
        dockerfile=Dockerfile("Dockerfile", recipe.dockerfile),
        target=None,
        generated=True,
        detected=recipe.detected,
        port_hint=PORT,
        default_ignores=_USUALLY_IGNORED,
        explanation=recipe.explanation,
    )


def _processes(tree: SourceTree, source: Source) -> dict[str, str]:
    processes = parse_procfile(tree.text("Procfile"))
    return processes | ({WEB: source.start_command} if source.start_command else {})


def _dockerfile_path(reader: SnapshotReader, subdirectory: str, source: Source) -> str | None:
    """Where it lies in the snapshot. One that was asked for must be there; it may lie above the subdirectory."""
    wanted = posixpath.join(subdirectory, source.dockerfile or "Dockerfile")
    path = _inside(posixpath.normpath(wanted), "dockerfile")
    if reader.is_file(path):
        return path
    if source.dockerfile:
        raise SourceRefused(f"There is no file {path!r} in the source. Check the app's dockerfile and subdirectory.")
    return None


def _inside(path: str, what: str) -> str:
    if "\0" in path or path.startswith("/") or ".." in path.split("/"):
        raise SourceRefused(
            f"The {what} {path[:200]!r} does not lie inside the source. Give a relative path without '..'."
        )
    cleaned = posixpath.normpath(path) if path else ""
    return "" if cleaned == "." else cleaned


def _check_wishes(source: Source) -> None:
    for name in [*source.build_args, *source.build_secrets]:
        if not _NAME.fullmatch(name):
            raise SourceRefused(f"{name[:80]!r} is no name for a build argument or secret: letters, digits and _ only.")
    for command in (source.build_command, source.start_command):
        if command is not None and (not command.isprintable() or not 0 < len(command.strip()) <= _MAXIMUM_COMMAND):
            raise SourceRefused(f"A command is one line of at most {_MAXIMUM_COMMAND} printable characters.")


def _check_target(text: str, target: str | None) -> None:
    stages = [stage["name"] for stage in _STAGE.finditer(text) if stage["name"]]
    if target is not None and target.lower() not in {stage.lower() for stage in stages} and not target.isdigit():
        raise SourceRefused(
            f"The Dockerfile has no stage {target[:80]!r}; it has {', '.join(stages) or 'none with a name'}."
        )


def _exposed(text: str, target: str | None) -> int | None:
    """The first port that the stage in question exposes, else its only one anywhere in the file."""
    stages = list(_STAGE.finditer(text))
    chosen = next((stage for stage in stages if target and (stage["name"] or "").lower() == target.lower()), None)
    begin = chosen or (stages[-1] if stages else None)
    end = next((stage.start() for stage in stages if begin and stage.start() > begin.start()), len(text))
    found = _EXPOSE.search(text, begin.end() if begin else 0, end) or _EXPOSE.search(text)
    return int(found["port"]) if found and 0 < int(found["port"]) <= _MAXIMUM_PORT else None


def _nothing_recognised(tree: SourceTree, subdirectory: str) -> str:
    names = ", ".join(sorted(tree.top_level())[:12]) or "nothing"
    where = f"in {subdirectory!r}" if subdirectory else "in the root of the source"
    return (
        f"It is not clear how to build this. Looked {where} for a Dockerfile, requirements.txt or pyproject.toml (Python), "
        f"package.json (Node), go.mod (Go) and index.html (static site), and found {names}. Add one of them, or set the "
        "subdirectory where the app lies."
    )
