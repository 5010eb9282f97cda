"""Git hosts elsewhere, in memory: which commit each branch has, how long a host takes, and who does not answer."""

import asyncio
import subprocess
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from slipyard.clients.git import Git
from slipyard.clients.git_remote import GitRemote
from slipyard.domain.clock import Clock
from slipyard.domain.errors import SourceRefused, Unavailable

HOST, DEAD_HOST, SLOW_HOST = "93.184.216.34", "93.184.216.35", "93.184.216.36"  # never dialled: this door opens nothing


class GitElsewhere(Git):
    """`away` hosts hang for 15 s; `closed` ones refuse. Everything on this machine is real git."""

    def __init__(self, known_hosts: Path, clock: Clock) -> None:
        super().__init__(known_hosts)
        self._clock = clock
        self.heads: dict[str, str] = {}  # of main, by URL
        self.refs: dict[str, str] = {}  # further ones, of every repository
        self.copies: dict[str, Path] = {}
        self.away: set[str] = set()
        self.closed: set[str] = set()
        self.seconds: dict[str, float] = defaultdict(lambda: 0.1)
        self.asked: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()

    async def fetch(self, path: Path, remote: GitRemote, refspecs: Sequence[str], wanted: str) -> None:
        """Out of a repository on this machine, where one stands for `remote`."""
        source = self.copies.get(str(remote.url))
        if source is None:
            raise Unavailable(f"{remote.url.host} does not answer.")
        command = ["git", "-C", str(path), "fetch", "--quiet", str(source), *refspecs]
        await asyncio.to_thread(subprocess.run, command, check=True)

    async def ls_remote(self, remote: GitRemote, ref: str) -> str | None:
        await self._answer(remote)
        return self.heads.get(str(remote.url)) if ref == "refs/heads/main" else None

    async def ls_remote_all(self, remote: GitRemote) -> dict[str, str]:
        await self._answer(remote)
        main = self.heads.get(str(remote.url))
        return self.refs | ({"refs/heads/main": main} if main else {})

    async def _answer(self, remote: GitRemote) -> None:
        host = remote.url.host
        self.asked[host] += 1
        for name in (host, "all"):
            self._at_once[name] += 1
            self.most_at_once[name] = max(self.most_at_once[name], self._at_once[name])
        try:
            await self._clock.sleep(15 if host in self.away else self.seconds[host])
        finally:
            for name in (host, "all"):
                self._at_once[name] -= 1
        if host in self.away:
            raise Unavailable(f"{host} does not answer.")
        if host in self.closed:
            raise SourceRefused(f"{remote.url} is not there, or may not be read without a credential.")
