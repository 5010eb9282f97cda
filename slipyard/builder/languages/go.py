"""Go apps: go.mod. Built to one static binary."""

import re

from slipyard.builder.languages.recipe import Recipe, Wishes, arguments, as_user, dockerfile, run, start
from slipyard.builder.source_tree import SourceTree
from slipyard.domain.errors import SourceRefused

DEFAULT = (1, 22)
_VERSION = re.compile(r"^go\s+(?P<major>[0-9]+)\.(?P<minor>[0-9]+)", re.MULTILINE)
_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)
_CACHES = ["/go/pkg/mod", "/root/.cache/go-build"]


def recognise(tree: SourceTree, wishes: Wishes) -> Recipe | None:
    """None where there is no go.mod. `SourceRefused` where no package, or more than one, is a program."""
    if not tree.has("go.mod"):
        return None
    version, why = _version(tree.text("go.mod"))
    package, how = (".", "The build command is the one given.") if wishes.build_command else _package(tree)
    build = wishes.build_command or f"CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /out/ {package}"
    files = "go.mod go.sum" if tree.has("go.sum") else "go.mod"
    binary = (
        "COPY --from=build /out/ /usr/local/bin/"
        if not wishes.build_command
        else "COPY --from=build --chown=app:app /src /app"
    )
    text = dockerfile(
        [f"FROM golang:{version} AS build", "WORKDIR /src", *arguments(wishes)],
        [f"COPY {files} ./", run("go mod download", caches=_CACHES[:1], secrets=wishes.secrets)],
        ["COPY . .", run(f"mkdir -p /out && {build}", caches=_CACHES, secrets=wishes.secrets)],
        ["FROM debian:bookworm-slim", *as_user(), "WORKDIR /app"],
        ["COPY --from=build /etc/ssl/certs /etc/ssl/certs", binary],
        _files(tree, wishes),
        start(wishes.start_command or _program(tree, package, wishes)),
    )
    return Recipe(f"go {version}", text, ("go.mod makes it a Go app.", why, how))


def _files(tree: SourceTree, wishes: Wishes) -> list[str]:
    """Templates and pages that a program reads at run time, by the directory names that are usual for them."""
    usual = ("templates", "static", "public", "assets", "web", "migrations")
    present = [name for name in usual if name in tree.top_level() and not tree.has(name)]
    return [f"COPY --chown=app:app {name} ./{name}" for name in present if not wishes.build_command]


def _version(module: str) -> tuple[str, str]:
    found = _VERSION.search(module)
    asked = (int(found["major"]), int(found["minor"])) if found else DEFAULT
    version = ".".join(map(str, max(asked, DEFAULT)))
    return version, f"go.mod asks for Go {'.'.join(map(str, asked))}; {version} is used."


def _package(tree: SourceTree) -> tuple[str, str]:
    """The directory that holds package main: the root, or the only one below cmd/."""
    if _is_program(tree, ""):
        return ".", "The program lies in the root of the module."
    below = sorted(
        {path.rpartition("/")[0] for path in tree.paths() if path.startswith("cmd/") and path.endswith(".go")}
    )
    programs = [directory for directory in below if _is_program(tree, f"{directory}/")]
    if len(programs) != 1 or not re.fullmatch(r"[\w./-]+", programs[0]):
        found = f"found {', '.join(programs)[:200]}" if programs else "found none"
        raise SourceRefused(
            f"This is a Go module, but it is not clear which package is the program: looked for package main in the root "
            f"and below cmd/, {found}. Set build_command and start_command, or add a Dockerfile."
        )
    return f"./{programs[0]}", f"The program lies in {programs[0]}."


def _is_program(tree: SourceTree, prefix: str) -> bool:
    files = [path for path in tree.paths() if path.startswith(prefix) and "/" not in path[len(prefix) :]]
    sources = [path for path in files if path.endswith(".go") and not path.endswith("_test.go")]
    return any(_MAIN.search(tree.text(path)) for path in sources)


def _program(tree: SourceTree, package: str, wishes: Wishes) -> str:
    """go build names the binary after the directory, or after the module's path for its root."""
    if wishes.build_command:
        raise SourceRefused(
            "A Go app with a build_command needs a start_command too, or a Procfile with a line 'web: ...'."
        )
    if package != ".":
        return package.rpartition("/")[2]
    module = re.search(r"^module\s+\"?(?P<path>[^\s\"]+)", tree.text("go.mod"), re.MULTILINE)
    parts = (module["path"] if module else "app").split("/")
    name = parts[-2] if len(parts) > 1 and re.fullmatch(r"v[0-9]+", parts[-1]) else parts[-1]
    if not re.fullmatch(r"[\w.-]+", name):
        raise SourceRefused(
            f"The module's name {name[:80]!r} is no plain name. Set start_command, or add a Dockerfile."
        )
    return name
