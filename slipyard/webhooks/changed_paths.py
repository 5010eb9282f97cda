"""Which files a push changed, where its commits list all of them."""

from typing import Any

from slipyard.webhooks.payload import Payload, clean

_FIELDS = ("added", "removed", "modified")
_MOST_PATHS = 5_000  # more are not worth storing, and match some watch path anyway


def changed_paths(
    commits: list[Payload], *, most_commits: int, most_files: int | None = None
) -> tuple[str, ...] | None:
    """None where the list may have been cut: it is as long as the provider ever makes it, or of another shape."""
    if not 0 < len(commits) < most_commits:
        return None
    paths: dict[str, None] = {}
    for commit in commits:
        of_commit = _paths_of(commit)
        if of_commit is None or (most_files is not None and len(of_commit) >= most_files):
            return None
        paths.update(dict.fromkeys(of_commit))
        if len(paths) > _MOST_PATHS:
            return None
    return tuple(clean(path) for path in paths)


def _paths_of(commit: Payload) -> list[str] | None:
    lists: list[Any] = [commit.get(name) for name in _FIELDS]
    if not all(isinstance(each, list) for each in lists):
        return None
    paths = [path for each in lists for path in each]
    return paths if all(isinstance(path, str) for path in paths) else None
