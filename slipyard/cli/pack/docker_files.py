"""What `.dockerignore` keeps from the build need not travel, except what Slipyard itself reads."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import dirname

from slipyard.builder.dockerignore import IgnoreRules, parse_ignore_file

_READ_BY_US = frozenset({"Dockerfile", ".dockerignore", "slipyard.yaml", "Procfile", "app.json"})


def wanted_by_build(directory: Path, paths: Iterable[str], dockerfile: str | None = None) -> list[str]:
    """`dockerfile` is its path where the app has one of another name. `SourceRefused` for rules that cannot be read."""
    chosen = list(paths)
    rules = _rules(directory, dockerfile)
    if rules is None:
        return chosen
    kept = rules.kept(_tree(chosen))
    always = _READ_BY_US | {dockerfile or "Dockerfile", f"{dockerfile or 'Dockerfile'}.dockerignore"}
    return [path for path in chosen if path in kept or path in always]


def _rules(directory: Path, dockerfile: str | None) -> IgnoreRules | None:
    """A file beside the Dockerfile wins over the one for all, as in BuildKit."""
    for name in (f"{dockerfile or 'Dockerfile'}.dockerignore", ".dockerignore"):
        try:
            return IgnoreRules(parse_ignore_file((directory / name).read_bytes()))
        except OSError:
            continue
    return None


def _tree(paths: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """With every directory before what it holds."""
    seen: set[str] = set()
    for path in paths:
        for directory in _parents(path):
            if directory not in seen:
                seen.add(directory)
                yield directory, True
        yield path, False


def _parents(path: str) -> list[str]:
    """'a/b/c' -> ['a', 'a/b']"""
    parents = []
    while path := dirname(path):
        parents.append(path)
    return parents[::-1]
