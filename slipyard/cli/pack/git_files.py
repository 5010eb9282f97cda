"""Which files git would commit: what `.gitignore` lists stays at home."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pathspec

_SECONDS = 120


def visible_files(directory: Path) -> Iterator[str]:
    """Relative paths of files and links, sorted within a directory; tracked ones also where a rule ignores them."""
    listed = _git_lists(directory)
    return _walk(directory) if listed is None else _known_to_git(directory, listed)


def _git_lists(directory: Path) -> list[str] | None:
    """None outside of a repository, and without git. A directory that the repository around it ignores is none of it."""
    ignored = _git(directory, "check-ignore", "-q", ".")
    if ignored is None or ignored.returncode == 0:
        return None
    listed = _git(directory, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    if listed is None or listed.returncode:
        return None
    return sorted(os.fsdecode(path) for path in listed.stdout.split(b"\0") if path)


def _git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    try:
        command = ["git", "-C", str(directory), *arguments]
        return subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None


def _known_to_git(directory: Path, listed: list[str]) -> Iterator[str]:
    for path in listed:
        full = directory / path
        if full.is_dir() and not full.is_symlink():  # a submodule, or a repository inside this one
            inner = path.rstrip("/")
            yield from (f"{inner}/{below}" for below in visible_files(full))
        elif os.path.lexists(full):  # tracked, but deleted here
            yield path


def _walk(
    directory: Path, prefix: str = "", rules: tuple[tuple[str, pathspec.GitIgnoreSpec], ...] = ()
) -> Iterator[str]:
    """The same by the files `.gitignore` alone; the one nearest to a path decides."""
    rules = (*rules, *_rules_of(directory, prefix))
    for entry in sorted(os.scandir(directory), key=lambda found: found.name):
        path = f"{prefix}{entry.name}"
        is_directory = entry.is_dir(follow_symlinks=False)
        if entry.name == ".git" or _ignored(f"{path}/" if is_directory else path, rules):
            continue
        if is_directory:
            yield from _walk(Path(entry.path), f"{path}/", rules)
        else:
            yield path


def _rules_of(directory: Path, prefix: str) -> tuple[tuple[str, pathspec.GitIgnoreSpec], ...]:
    try:
        lines = (directory / ".gitignore").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ()
    return ((prefix, pathspec.GitIgnoreSpec.from_lines(lines)),)


def _ignored(path: str, rules: tuple[tuple[str, pathspec.GitIgnoreSpec], ...]) -> bool:
    for prefix, spec in reversed(rules):
        verdict = spec.check_file(path.removeprefix(prefix)).include
        if verdict is not None:
            return verdict
    return False
