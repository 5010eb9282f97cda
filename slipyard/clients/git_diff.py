"""Which files lie between two commits, as git itself sees them."""

from pathlib import Path

from slipyard.clients.git_environment import local_environment
from slipyard.clients.git_process import GitLimits, run_git
from slipyard.domain.git_ref import check_commit

_LIMITS = GitLimits(seconds=20.0, output_bytes=4 * 1024 * 1024)


async def changed_paths(repository: Path, older: str, newer: str) -> tuple[str, ...] | None:
    """Both names of a renamed file. None where one of the commits is not in this repository.

    `SystemFault` where the list is longer than 4 MiB, `Unavailable` where git takes longer than 20 s.
    """
    arguments = ["-C", str(repository), "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff"]
    commits = [f"{check_commit(commit)}^{{commit}}" for commit in (older, newer)]
    answer = await run_git([*arguments, *commits, "--"], local_environment(), _LIMITS)
    if answer.status:
        return None
    return tuple(name for name in answer.output.decode(errors="replace").split("\0") if name)
