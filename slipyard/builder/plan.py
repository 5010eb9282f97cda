"""How a tree becomes an image: by its own Dockerfile, or by one written for the kind of app that it is."""

import hashlib
import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slipyard.builder.dockerfile_stages import check_target, exposed_port
from slipyard.builder.image_build import Dockerfile
from slipyard.builder.languages import go, node, python, static_site
from slipyard.builder.languages.procfile import parse_procfile
from slipyard.builder.languages.recipe import PORT, Wishes
from slipyard.builder.repository_manifest import read_manifest
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.builder.source_tree import SourceTree
from slipyard.domain.errors import SourceRefused
from slipyard.domain.manifest import NOTHING_SAID, ImagePlan, Manifest
from slipyard.domain.manifests.compose.filled import NO_VARIABLES, Variables
from slipyard.domain.release import WEB
from slipyard.domain.service import ServiceConfig
from slipyard.domain.source import Source

_LANGUAGES = (python.recognise, node.recognise, go.recognise, static_site.recognise)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAXIMUM_COMMAND = 4096
_MAXIMUM_DOCKERFILE = 1024 * 1024
# What no image of a recognised app needs; a .dockerignore of one's own takes its place.
_USUALLY_IGNORED = ("**/.git", "**/node_modules", "**/.venv", "**/__pycache__", "**/.env", ".dockerignore")


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides an image besides the tree. `dockerfile.path` counts from `subdirectory`.

    `processes` are commands by name, from the Procfile and the app's start command; without `web` the image's own
    command runs. `port_hint` is what the Dockerfile exposes. `default_ignores` count where there is no .dockerignore.
    `beside` are further images of the same tree, by name.
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
    manifest: Manifest = NOTHING_SAID
    beside: Mapping[str, "BuildPlan"] = field(default_factory=dict)

    def key(self, snapshot_digest: str) -> str:
        """Equal for an equal tree and plan, so that the image can be used again. Build secrets' values are not in it."""
        parts = [
            snapshot_digest, self.dockerfile.path, self.dockerfile.text, self.subdirectory, dict(self.build_args),
            list(self.secrets), self.target, self.platform, list(self.default_ignores),
        ]  # fmt: skip
        parts += [[name, plan.key(snapshot_digest)] for name, plan in sorted(self.beside.items())]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def plan_build(reader: SnapshotReader, source: Source, variables: Variables = NO_VARIABLES) -> BuildPlan:
    """`SourceRefused` where nothing is recognised, saying what was looked for and what to add. Blocking: it reads files."""
    subdirectory = _inside(source.subdirectory, "subdirectory")
    tree = SourceTree(reader, subdirectory)
    manifest = read_manifest(tree, source, variables)
    told = _with_build(source, manifest.build or ImagePlan())
    processes = _processes(tree, told, manifest)
    if manifest.image is not None:
        return replace(_asked_for(told, subdirectory, processes), manifest=manifest, explanation=_said_by(manifest))
    own = _planned(reader, told, manifest.build or ImagePlan(), processes)
    beside = {name: _beside(reader, source, manifest, name) for name in sorted(manifest.builds)}
    every = (line for plan in (own, *beside.values()) for line in plan.explanation)
    return replace(own, manifest=manifest, beside=beside, explanation=(*_said_by(manifest), *every))


def _planned(reader: SnapshotReader, source: Source, image: ImagePlan, processes: Mapping[str, str]) -> BuildPlan:
    """`image` says where it lies: `source` says all else."""
    _check_wishes(source)
    directory = _inside(posixpath.join(source.subdirectory, image.context or ""), "build context")
    plan = _asked_for(source, directory, processes)
    if image.dockerfile_text is not None and source.dockerfile is None:
        return _by_text(image.dockerfile_text, plan)
    path = _dockerfile_path(reader, source, image, directory)
    tree = SourceTree(reader, directory)
    return _by_language(tree, source, plan) if path is None else _by_dockerfile(reader, path, plan)


def _beside(reader: SnapshotReader, source: Source, manifest: Manifest, name: str) -> BuildPlan:
    """What the app was told of its build is about its own image, but for the platform and the secrets of builds."""
    image = manifest.builds[name]
    common = Source(subdirectory=source.subdirectory, platform=source.platform, build_secrets=source.build_secrets)
    told = _with_build(common, image)
    tree = SourceTree(reader, _inside(posixpath.join(source.subdirectory, image.context or ""), "build context"))
    line = next((_line(each) for each in manifest.services.values() if each.build == name and each.command), None)
    lines = parse_procfile(tree.text("Procfile")) | ({WEB: line} if line else {})
    plan = _planned(reader, told, image, lines)
    return replace(plan, explanation=tuple(f"{name}: {line}" for line in plan.explanation))


def _with_build(source: Source, image: ImagePlan) -> Source:
    """What the app was told wins over its repository."""
    return source.model_copy(
        update={
            "build_command": source.build_command or image.command,
            "build_args": {**image.args, **source.build_args},
            "build_secrets": list(dict.fromkeys([*source.build_secrets, *image.secrets])),
            "target": source.target or image.target,
        }
    )


def _asked_for(source: Source, directory: str, processes: Mapping[str, str]) -> BuildPlan:
    return BuildPlan(
        dockerfile=Dockerfile(),
        subdirectory=directory,
        build_args=source.build_args,
        secrets=tuple(source.build_secrets),
        target=source.target,
        platform=source.platform,
        processes=processes,
    )


def _by_text(text: str, plan: BuildPlan) -> BuildPlan:
    check_target(text, plan.target)
    return replace(
        plan,
        dockerfile=Dockerfile("Dockerfile", text),
        detected="dockerfile",
        port_hint=exposed_port(text, plan.target),
        explanation=("A Dockerfile in the compose file says how it is built.",),
    )


def _by_dockerfile(reader: SnapshotReader, path: str, plan: BuildPlan) -> BuildPlan:
    text = reader.read(path, _MAXIMUM_DOCKERFILE).decode("utf-8-sig", errors="replace")
    check_target(text, plan.target)
    inside = not plan.subdirectory or path.startswith(f"{plan.subdirectory}/")
    relative = posixpath.relpath(path, plan.subdirectory or ".")
    return replace(
        plan,
        dockerfile=Dockerfile(relative) if inside else Dockerfile(posixpath.basename(path), text),
        detected="dockerfile",
        port_hint=exposed_port(text, plan.target),
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


def _processes(tree: SourceTree, source: Source, manifest: Manifest) -> dict[str, str]:
    """What a compose file says is all there is."""
    lines = {} if manifest.complete else parse_procfile(tree.text("Procfile"))
    web = manifest.services.get(WEB)
    said = _line(web) if web is not None and web.command and not web.image and not web.build else None
    told = source.start_command or said
    return lines | ({WEB: told} if told else {})


def _line(service: ServiceConfig) -> str:
    command = service.command or ""
    return command if isinstance(command, str) else shlex.join(command)


def _said_by(manifest: Manifest) -> tuple[str, ...]:
    files = f"{' and '.join(manifest.files)} {'says' if len(manifest.files) == 1 else 'say'} what the app is."
    return (files, *manifest.warnings) if manifest.files else ()


def _dockerfile_path(reader: SnapshotReader, source: Source, image: ImagePlan, directory: str) -> str | None:
    """Where it lies in the snapshot. One that was asked for must be there; it may lie above the directory that the build
    sees. What the app was told counts from its subdirectory."""
    base = source.subdirectory if source.dockerfile else directory
    asked = source.dockerfile or image.dockerfile
    path = _inside(posixpath.normpath(posixpath.join(base, asked or "Dockerfile")), "dockerfile")
    if reader.is_file(path):
        return path
    if asked:
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


def _nothing_recognised(tree: SourceTree, subdirectory: str) -> str:
    names = ", ".join(sorted(tree.top_level())[:12]) or "nothing"
    where = f"in {subdirectory!r}" if subdirectory else "in the root of the source"
    return (
        f"It is not clear how to build this. Looked {where} for a Dockerfile, requirements.txt or pyproject.toml (Python), "
        f"package.json (Node), go.mod (Go) and index.html (static site), and found {names}. Add one of them, or set the "
        "subdirectory where the app lies."
    )
