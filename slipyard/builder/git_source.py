"""The commit that a build is of: fetched from elsewhere, or found in the app's own remote."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipyard.clients.git import Git
from slipyard.clients.git_remote import GitRemote, resolve_remote
from slipyard.domain.errors import SourceRefused
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_ref import check_branch, is_commit
from slipyard.domain.network_rules import Network


@dataclass(frozen=True)
class FetchedCommit:
    commit: str
    tree: str
    message: str
    author: str


async def fetch_commit(
    git: Git,
    mirror: Path,
    url: str | None,
    ref_or_commit: str,
    *,
    credential: GitCredential | None = None,
    allowed_networks: Sequence[Network] = (),
) -> FetchedCommit:
    """A branch by its short name or a whole commit. With `url` None, only looks into the app's own remote.

    One new commit of a known repository costs one `git fetch`; a commit that is already here costs none. The host is
    resolved and judged before git starts. `SourceRefused`: branch, repository or access not there, host forbidden.
    """
    if url is None:
        return await _facts(git, mirror, ref_or_commit if is_commit(ref_or_commit) else _head(ref_or_commit))
    if not (mirror / "HEAD").exists():
        await git.init_bare(mirror)
    if is_commit(ref_or_commit) and await git.has_commit(mirror, ref_or_commit):
        return await _facts(git, mirror, ref_or_commit)
    remote = await resolve_remote(url, credential, allowed_networks)
    return await _facts(git, mirror, await _fetch(git, mirror, remote, ref_or_commit))


async def _fetch(git: Git, mirror: Path, remote: GitRemote, ref_or_commit: str) -> str:
    """The local ref that holds what came. Its name is a digest: branches `a` and later `a/b` would collide as files."""
    if is_commit(ref_or_commit):
        kept, wanted = f"refs/slipyard/commits/{ref_or_commit}", f"commit {ref_or_commit}"
        await git.fetch(mirror, remote, [f"+{ref_or_commit}:{kept}"], wanted)
    else:
        kept = f"refs/slipyard/branches/{hashlib.sha256(check_branch(ref_or_commit).encode()).hexdigest()}"
        await git.fetch(mirror, remote, [f"+{_head(ref_or_commit)}:{kept}"], f"branch {ref_or_commit}")
    return kept


async def _facts(git: Git, mirror: Path, ref: str) -> FetchedCommit:
    facts = await git.commit_facts(mirror, ref)
    return FetchedCommit(facts.commit, facts.tree, facts.message, facts.author)


def _head(branch: str) -> str:
    return f"refs/heads/{check_branch(branch)}"


async def check_submodules(git: Git, mirror: Path, tree: str) -> None:
    """git leaves an empty directory in place of a submodule, and a build would fail on it with a riddle."""
    found = [entry.path for entry in await git.entries(mirror, tree) if entry.mode == "160000"]
    if found:
        raise SourceRefused(
            f"{found[0]!r} is a git submodule, and submodules are not turned on for this app. Set source.submodules, "
            "or put those files into the repository itself (git subtree)."
        )
