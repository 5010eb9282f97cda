"""The commit that a build is of: fetched from elsewhere, or found in the app's own remote; and its snapshot."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.snapshot import Snapshot, snapshot_from
from slipyard.clients.git import Git
from slipyard.clients.git_remote import GitRemote, resolve_remote
from slipyard.domain.errors import SourceRefused
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_ref import check_branch, check_commit, check_ref, is_commit
from slipyard.domain.network_rules import Network

_SUBMODULE = "160000"


@dataclass(frozen=True)
class Access:
    """Where a repository lies elsewhere (None: it is the app's own) and how to get in."""

    url: str | None
    credential: GitCredential | None = field(default=None, repr=False)
    allowed_networks: Sequence[Network] = ()


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
    if not await asyncio.to_thread((mirror / "HEAD").exists):
        await git.init_bare(mirror)
    elif is_commit(ref_or_commit) and await git.has_commit(mirror, ref_or_commit):
        return await _facts(git, mirror, ref_or_commit)
    remote = await resolve_remote(url, credential, allowed_networks)
    return await _facts(git, mirror, await _fetch(git, mirror, remote, ref_or_commit))


async def fetch_held_commit(
    git: Git,
    mirror: Path,
    access: Access,
    holder: str,
    commit: str,
) -> FetchedCommit:
    """Exactly `commit`, which the whole ref `holder` (refs/pull/7/head) has or had as its head.

    `SourceRefused` where the ref is gone or holds this commit no more, and as for `fetch_commit`.
    """
    url = access.url
    if url is not None and not await asyncio.to_thread((mirror / "HEAD").exists):
        await git.init_bare(mirror)
    if url is not None and not await git.has_commit(mirror, commit):
        remote = await resolve_remote(url, access.credential, access.allowed_networks)
        await git.fetch(mirror, remote, [f"+{check_ref(holder)}:refs/slipyard/pins/{held_name(holder, url)}"], holder)
        if not await git.has_commit(mirror, commit):
            raise SourceRefused(
                f"{holder} holds {commit[:12]} no more: it has moved on, and its new head is built next."
            )
    return await _facts(git, mirror, commit)


def held_name(holder: str, url: str | None) -> str:
    """The pin under which what `holder` had last is kept; `unpin` lets it go. Branches of a name are in each fork."""
    whole = f"{url} {holder}" if url and holder.startswith("refs/heads/") else holder
    return f"held-{hashlib.sha256(whole.encode()).hexdigest()}"


async def snapshot_of_commit(
    git: Git, mirror: Path, tree: str, store_directory: Path, limits: ArchiveLimits | None = None
) -> Snapshot:
    """The snapshot of a tree of the mirror; a tree seen before starts no process.

    `SourceRefused` where files lie in submodules or Git LFS: a build would get empty directories and pointers.
    """
    note = store_directory / "trees" / check_commit(tree)
    known = await asyncio.to_thread(_recall, note, store_directory)
    if known is not None:
        return known
    await _check_submodules(git, mirror, tree)
    snapshot = await snapshot_from(git.archive(mirror, tree), store_directory, limits)
    _check_pointers(snapshot)
    await asyncio.to_thread(_remember, note, snapshot)
    return snapshot


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


async def _check_submodules(git: Git, mirror: Path, tree: str) -> None:
    found = [entry.path for entry in await git.entries(mirror, tree) if entry.mode == _SUBMODULE]
    if found:
        raise SourceRefused(
            f"{found[0]!r} is a git submodule, which is not fetched. Put its files into the repository itself (git "
            "subtree), get them in the Dockerfile, or upload the whole tree as a tarball."
        )


def _check_pointers(snapshot: Snapshot) -> None:
    if snapshot.lfs_pointers:
        raise SourceRefused(
            f"{snapshot.lfs_pointers[0]!r} is kept in Git LFS, which is not fetched: the build would get a pointer of three "
            "lines. Put the file into the repository itself, get it in the Dockerfile, or upload the whole tree as a tarball."
        )


def _recall(note: Path, store: Path) -> Snapshot | None:
    """What was noted of a tree, as long as its snapshot is there and whole."""
    try:
        noted = json.loads(note.read_text())
        path = store / f"{noted['digest'].removeprefix('sha256:')}.tar"
        return Snapshot(path=path, **noted) if path.stat().st_size == noted["bytes"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(note: Path, snapshot: Snapshot) -> None:
    note.parent.mkdir(exist_ok=True)
    draft = note.with_suffix(".partial")
    draft.write_text(json.dumps({"digest": snapshot.digest, "entries": snapshot.entries, "bytes": snapshot.bytes}))
    draft.replace(note)
