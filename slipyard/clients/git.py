"""The only door to git. Every argument comes from a strict parser; configuration, hooks and prompts are shut out.

git runs as a program with argument lists: GitPython would add a layer over the same processes and brings its own
environment. Paths are bare repositories made by `init_bare`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipyard.clients.git_environment import local_environment, remote_environment
from slipyard.clients.git_failure import failure_of
from slipyard.clients.git_objects import may_hold
from slipyard.clients.git_process import GitAnswer, GitLimits, run_git, stream_git
from slipyard.clients.git_remote import GitRemote
from slipyard.clients.git_repository import write_bare
from slipyard.clients.git_ssh import seen_keys, ssh_access
from slipyard.domain.errors import SourceRefused, SystemFault
from slipyard.domain.git_ref import check_commit, check_ref
from slipyard.domain.git_url import GitUrl

_HIDDEN = "refs/slipyard"
_FACTS = "%H%x00%T%x00%an%x00%ct%x00%B"
_NOT_THERE = 2  # exit status of `ls-remote --exit-code`
_MAXIMUM_MESSAGE = 4096


@dataclass(frozen=True)
class CommitFacts:
    """`message` is cut at 4 KiB; `time` is the committer's, in UTC, for people to read and never for order."""

    commit: str
    tree: str
    author: str
    time: datetime
    message: str


@dataclass(frozen=True)
class TreeEntry:
    mode: str
    object_id: str
    path: str


@dataclass(frozen=True)
class Tip:
    """`stored` is what the ref names; of an annotated tag that is the tag, and `commit` what it is about."""

    stored: str
    commit: str


class Git:
    """`known_hosts` is a file that keeps the ssh keys of hosts as they were first seen."""

    def __init__(self, known_hosts: Path, limits: GitLimits | None = None) -> None:
        self._known_hosts = known_hosts
        self._limits = limits or GitLimits()

    async def init_bare(self, path: Path) -> None:
        """Idempotent. HEAD is refs/heads/main, nothing is collected by itself, no attribute changes an archive."""
        await asyncio.to_thread(write_bare, path)

    async def fetch(self, path: Path, remote: GitRemote, refspecs: Sequence[str], wanted: str) -> None:
        """One `git fetch` of exactly these refspecs. `wanted` is what people call it, for the error.

        `SourceRefused` for a branch, repository or access that is not there, `Unavailable` for a host that is away.
        """
        arguments = [
            "-C", str(path), "fetch", "--quiet", "--no-tags", "--no-auto-maintenance", "--no-write-fetch-head",
            "--no-recurse-submodules", "--no-show-forced-updates", "--end-of-options", str(remote.url), *refspecs,
        ]  # fmt: skip
        answer = await self._remote(arguments, remote)
        if answer.status:
            raise failure_of(remote, wanted, answer)

    async def ls_remote(self, remote: GitRemote, ref: str) -> str | None:
        """The commit that a full ref or `HEAD` names there; None where the repository has no such ref."""
        check_ref(ref)
        arguments = ["ls-remote", "--quiet", "--exit-code", "--end-of-options", str(remote.url), ref]
        answer = await self._remote(arguments, remote)
        if answer.status == _NOT_THERE and not answer.error:
            return None
        if answer.status:
            raise failure_of(remote, f"ref {ref}", answer)
        lines = [line.split("\t", 1) for line in answer.output.decode(errors="replace").splitlines()]
        found = {name: commit for commit, name in lines}
        return check_commit(found[ref]) if ref in found else None

    async def ls_remote_all(self, remote: GitRemote) -> dict[str, str]:
        """The commit of every branch and tag there, in the order of versions: v1.9 before v1.10."""
        arguments = ["ls-remote", "--quiet", "--sort=version:refname", "--heads", "--tags", "--end-of-options"]
        answer = await self._remote([*arguments, str(remote.url)], remote)
        if answer.status:
            raise failure_of(remote, "branches and tags", answer)
        lines = [line.split("\t", 1) for line in answer.output.decode(errors="surrogateescape").splitlines()]
        found = {name: check_commit(commit) for commit, name in lines}
        return {name: found.get(f"{name}^{{}}", commit) for name, commit in found.items() if not name.endswith("^{}")}

    async def seen_keys(self, url: GitUrl) -> str:
        """The keys that an ssh host showed first, as lines of known_hosts(5)."""
        return await asyncio.to_thread(seen_keys, self._known_hosts, url)

    async def resolve(self, path: Path, ref: str) -> str:
        """The commit of a ref, or of a whole object name that is in the repository. `SourceRefused` where it is not."""
        return (await self.commit_facts(path, ref)).commit

    async def has_commit(self, path: Path, commit: str) -> bool:
        return (await self._run(["-C", str(path), "cat-file", "-e", f"{check_commit(commit)}^{{commit}}"])).status == 0

    async def is_ancestor(self, path: Path, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`; a commit contains itself. False too where one of them is unknown here."""
        arguments = ["-C", str(path), "merge-base", "--is-ancestor", check_commit(older), check_commit(newer)]
        if not await asyncio.to_thread(may_hold, path, older):
            return False  # a new commit, as nearly all that are asked about
        return (await self._run(arguments)).status == 0

    async def commit_facts(self, path: Path, ref: str) -> CommitFacts:
        arguments = ["-C", str(path), "log", "-1", f"--format={_FACTS}", "--no-show-signature", "--end-of-options"]
        answer = await self._run([*arguments, check_ref(ref), "--"])
        if answer.status:
            raise SourceRefused(f"{ref} is not in this repository. Push it first, or check the name.")
        commit, tree, author, time, message = answer.output.decode(errors="replace").split("\0", 4)
        written = datetime.fromtimestamp(int(time), UTC)
        return CommitFacts(commit, tree, author[:_MAXIMUM_MESSAGE], written, message.strip()[:_MAXIMUM_MESSAGE])

    async def entries(self, path: Path, tree: str) -> list[TreeEntry]:
        """Every file, link and submodule of a tree, recursively."""
        arguments = ["-C", str(path), "ls-tree", "-r", "-z", "--full-tree", check_commit(tree)]
        lines = (await self._succeed(arguments)).output.decode(errors="surrogateescape").split("\0")
        return [_entry(line) for line in lines if line]

    def archive(self, path: Path, tree: str, subdirectory: str = "") -> AsyncIterator[bytes]:
        """A tar of a commit or tree, streamed. Attributes of the repository change nothing in it."""
        what = f"{check_commit(tree)}:{subdirectory}" if subdirectory else check_commit(tree)
        arguments = ["-C", str(path), "archive", "--format=tar", what]
        return stream_git(arguments, local_environment(), self._limits)

    async def heads(self, path: Path) -> dict[str, str]:
        """`refs/heads/...` -> commit."""
        arguments = ["-C", str(path), "for-each-ref", "--format=%(refname)%00%(objectname)", "refs/heads"]
        lines = (await self._succeed(arguments)).output.decode(errors="surrogateescape").splitlines()
        return dict(line.split("\0", 1) for line in lines)

    async def tips(self, path: Path) -> dict[str, Tip]:
        """Branches and tags by their whole names."""
        form = "%(refname)%00%(objectname)%00%(*objectname)"
        arguments = ["-C", str(path), "for-each-ref", f"--format={form}", "refs/heads", "refs/tags"]
        lines = (await self._succeed(arguments)).output.decode(errors="surrogateescape").splitlines()
        parts = [line.split("\0", 2) for line in lines]
        return {ref: Tip(stored, peeled or stored) for ref, stored, peeled in parts}

    async def pin(self, path: Path, commit: str, name: str) -> None:
        """Keeps a commit alive under a hidden ref, so that no later clean-up drops what a release came from."""
        ref = check_ref(f"{_HIDDEN}/pins/{name}")
        await self._succeed(["-C", str(path), "update-ref", "--end-of-options", ref, check_commit(commit)])

    async def unpin(self, path: Path, name: str) -> None:
        ref = check_ref(f"{_HIDDEN}/pins/{name}")
        await self._succeed(["-C", str(path), "update-ref", "-d", "--end-of-options", ref])

    async def _remote(self, arguments: Sequence[str], remote: GitRemote) -> GitAnswer:
        async with ssh_access(remote, self._known_hosts) as ssh:
            return await run_git(arguments, remote_environment(remote, ssh), self._limits)

    async def _run(self, arguments: Sequence[str]) -> GitAnswer:
        return await run_git(arguments, local_environment(), self._limits)

    async def _succeed(self, arguments: Sequence[str]) -> GitAnswer:
        answer = await self._run(arguments)
        if answer.status:
            raise SystemFault(f"git {arguments[2]} failed with status {answer.status}: {answer.error[:500]}")
        return answer


def _entry(line: str) -> TreeEntry:
    facts, path = line.split("\t", 1)
    mode, _, object_id = facts.split(" ")
    return TreeEntry(mode, object_id, path)
