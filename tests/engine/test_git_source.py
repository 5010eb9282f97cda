"""Commits come from real git hosts over http and ssh, with one fetch, and from nowhere that is forbidden."""

import asyncio
import getpass
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from slipyard.builder.git_source import FetchedCommit, fetch_commit, snapshot_of_commit
from slipyard.builder.snapshot import snapshot_from
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.clients.git import Git
from slipyard.clients.git_process import GitLimits
from slipyard.clients.git_remote import resolve_remote
from slipyard.domain.errors import SourceRefused, Unavailable
from slipyard.domain.git_credential import GitCredential
from tests.engine.git_hosts import HttpHost, Repository, SshHost, command_lines, git, http_host, make_key, ssh_host
from tests.engine.polling import until
from tests.unit.tars import chunks, tar_of

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.make(tmp_path)
    made.commit({"main.py": b"print(1)\n"}, "First commit")
    return made


@pytest.fixture
def host(tmp_path: Path, repository: Repository) -> Iterator[HttpHost]:
    with http_host(tmp_path) as opened:
        yield opened


@pytest.fixture
def closed_host(tmp_path: Path, repository: Repository) -> Iterator[HttpHost]:
    with http_host(tmp_path, password="s3cr3t-token") as opened:
        yield opened


@pytest.fixture
def door(tmp_path: Path) -> Git:
    return Git(tmp_path / "known_hosts")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return tmp_path / "mirror.git"


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def fetch(door: Git, mirror: Path, url: str, wanted: str = "main", **more: object) -> FetchedCommit:
    return await fetch_commit(door, mirror, url, wanted, **{"allowed_networks": LOOPBACK, **more})


class TestRefusals:
    async def test_loopback_is_closed_unless_it_was_opened(self, door: Git, mirror: Path, host: HttpHost) -> None:
        for url in (host.url(), host.url(host="localhost"), host.url().replace("http", "https")):
            with pytest.raises(SourceRefused):
                await fetch_commit(door, mirror, url, "main")
        assert host.requests == []

    async def test_a_name_that_leads_inside_is_refused_before_git_starts(
        self, door: Git, mirror: Path, host: HttpHost
    ) -> None:
        with pytest.raises(SourceRefused, match="closed"):
            await fetch_commit(door, mirror, f"https://localhost:{host.port}/app.git", "main")
        assert host.requests == []

    async def test_a_branch_that_is_not_there(self, door: Git, mirror: Path, host: HttpHost) -> None:
        with pytest.raises(SourceRefused, match="has no branch gone"):
            await fetch(door, mirror, host.url(), "gone")

    async def test_a_commit_that_is_not_there(self, door: Git, mirror: Path, host: HttpHost) -> None:
        with pytest.raises(SourceRefused, match="has no commit aaaa"):
            await fetch(door, mirror, host.url(), "a" * 40)

    async def test_a_repository_that_is_not_there(self, door: Git, mirror: Path, host: HttpHost) -> None:
        with pytest.raises(SourceRefused, match="is not there, or may not be read without a credential"):
            await fetch(door, mirror, host.url("other.git"))

    async def test_a_host_that_wants_a_credential(self, door: Git, mirror: Path, closed_host: HttpHost) -> None:
        with pytest.raises(SourceRefused, match="without a credential"):
            await fetch(door, mirror, closed_host.url())

    async def test_a_wrong_credential_is_refused_without_being_told(
        self, door: Git, mirror: Path, closed_host: HttpHost
    ) -> None:
        credential = GitCredential(f"127.0.0.1:{closed_host.port}", password="wr0ng-token")
        with pytest.raises(SourceRefused, match="with the stored credential") as refusal:
            await fetch(door, mirror, closed_host.url(), credential=credential)
        assert "wr0ng-token" not in str(refusal.value)

    async def test_a_credential_of_another_host_is_not_sent(
        self, door: Git, mirror: Path, closed_host: HttpHost
    ) -> None:
        credential = GitCredential("example.com", password="s3cr3t-token")
        with pytest.raises(SourceRefused, match="belongs to another host"):
            await fetch(door, mirror, closed_host.url(), credential=credential)
        assert closed_host.requests == []

    async def test_a_redirect_is_not_followed(self, door: Git, mirror: Path, host: HttpHost, tmp_path: Path) -> None:
        with http_host(tmp_path) as elsewhere:
            host.moved["/"] = f"http://127.0.0.1:{elsewhere.port}"
            with pytest.raises(SourceRefused, match="redirects elsewhere"):
                await fetch(door, mirror, host.url())
            assert elsewhere.requests == []

    async def test_a_host_that_is_away_may_be_asked_again(self, door: Git, mirror: Path) -> None:
        with pytest.raises(Unavailable, match="could not be fetched now"):
            await fetch(door, mirror, "http://127.0.0.1:1/app.git")

    async def test_a_name_that_does_not_exist(self, door: Git, mirror: Path) -> None:
        with pytest.raises((SourceRefused, Unavailable), match=r"no\.such\.host\.invalid"):
            await fetch(door, mirror, "https://no.such.host.invalid/app.git")

    async def test_a_host_that_hangs_is_left_at_the_deadline(
        self, tmp_path: Path, mirror: Path, host: HttpHost
    ) -> None:
        host.held = threading.Event()
        with pytest.raises(Unavailable, match="took more than"):
            await fetch(Git(tmp_path / "known", GitLimits(seconds=0.3)), mirror, host.url())
        assert command_lines(str(mirror)) == []

    async def test_a_repository_beyond_the_limit_is_refused(
        self, tmp_path: Path, mirror: Path, host: HttpHost, repository: Repository
    ) -> None:
        repository.commit({"noise": b"".join(number.to_bytes(4) * 3 for number in range(100_000))})
        with pytest.raises(SourceRefused, match="larger than"):
            await fetch(Git(tmp_path / "known", GitLimits(file_bytes=100_000)), mirror, host.url())


class TestFetching:
    async def test_a_commit_comes_with_its_facts(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository
    ) -> None:
        commit = repository.commit({"a": b"1"}, "Subject\n\nBody with ünïcode")
        found = await fetch(door, mirror, host.url())
        assert found == FetchedCommit(
            commit, git(repository.bare, "rev-parse", "main^{tree}"), "Subject\n\nBody with ünïcode", "Ada"
        )

    async def test_one_new_commit_of_a_known_repository_is_one_fetch(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await fetch(door, mirror, host.url())
        commit, started = repository.commit({"a": b"1"}), []
        host.requests.clear()
        real = asyncio.create_subprocess_exec

        async def counted(*arguments: str, **more: object) -> asyncio.subprocess.Process:
            started.append(arguments[3])
            return await real(*arguments, **more)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
        assert (await fetch(door, mirror, host.url())).commit == commit
        assert started == ["fetch", "log"]
        assert len(host.requests) == 3  # refs, negotiation, pack: as few as protocol 2 allows

    async def test_a_commit_that_is_here_already_is_not_fetched(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository
    ) -> None:
        first = (await fetch(door, mirror, host.url())).commit
        repository.commit({"a": b"1"})
        host.requests.clear()
        assert (await fetch(door, mirror, host.url(), first)).commit == first
        assert host.requests == []

    async def test_a_commit_by_its_name_is_fetched_as_that_commit(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository
    ) -> None:
        wanted = repository.commit({"a": b"1"})
        repository.commit({"a": b"2"})
        assert (await fetch(door, mirror, host.url(), wanted)).commit == wanted

    async def test_a_forced_push_and_a_branch_that_becomes_a_directory(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository
    ) -> None:
        repository.commit({"a": b"1"}, branch="topic")
        await fetch(door, mirror, host.url(), "topic")
        git(repository.bare, "branch", "-D", "topic")
        git(repository.work, "commit", "--quiet", "--amend", "-m", "Rewritten")
        rewritten = git(repository.work, "rev-parse", "HEAD")
        git(repository.work, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/topic/new")
        assert (await fetch(door, mirror, host.url(), "topic/new")).commit == rewritten

    async def test_a_token_opens_its_host_and_stands_in_no_argument_list(
        self, door: Git, mirror: Path, closed_host: HttpHost
    ) -> None:
        credential = GitCredential(f"127.0.0.1:{closed_host.port}", password="s3cr3t-token")
        assert (await fetch(door, mirror, closed_host.url(), credential=credential)).message == "First commit"
        assert set(closed_host.authorizations) == {closed_host.expected()}
        seen = "\n".join(closed_host.command_lines)
        assert str(mirror) in seen
        assert "s3cr3t-token" not in seen
        assert closed_host.expected().split()[1] not in seen
        assert not [path for path in files_below(mirror) if b"s3cr3t" in path.read_bytes()]

    async def test_the_machines_own_configuration_does_not_count(
        self, door: Git, mirror: Path, host: HttpHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".gitconfig").write_text(
            '[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1\n[core]\n\tsshCommand = false\n'
        )
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert (await fetch(door, mirror, host.url())).message == "First commit"

    async def test_a_hook_in_the_mirror_never_runs(
        self, door: Git, mirror: Path, host: HttpHost, tmp_path: Path
    ) -> None:
        await door.init_bare(mirror)
        hook = mirror / "hooks" / "reference-transaction"
        hook.parent.mkdir()
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
        hook.chmod(0o755)
        await fetch(door, mirror, host.url())
        assert not (tmp_path / "ran").exists()

    async def test_cancelling_kills_git_and_its_children(self, door: Git, mirror: Path, host: HttpHost) -> None:
        host.held = threading.Event()
        fetching = asyncio.create_task(fetch(door, mirror, host.url()))

        async def asked() -> bool:
            return bool(host.requests)

        await until(asked)
        assert len(command_lines(host.url())) >= 2
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert command_lines(host.url()) == []

    async def test_what_a_ref_names_elsewhere(self, door: Git, host: HttpHost, repository: Repository) -> None:
        remote = await resolve_remote(host.url(), None, LOOPBACK)
        commit = git(repository.bare, "rev-parse", "main")
        assert await door.ls_remote(remote, "refs/heads/main") == commit
        assert await door.ls_remote(remote, "HEAD") == commit
        assert await door.ls_remote(remote, "refs/heads/gone") is None

    async def test_all_branches_and_tags_elsewhere_in_the_order_of_versions(
        self, door: Git, host: HttpHost, repository: Repository
    ) -> None:
        first, second = repository.commit({"a": b"1"}), repository.commit({"a": b"2"}, branch="release/2")
        git(repository.work, "tag", "v1.10", second)
        git(repository.work, "tag", "--annotate", "--message", "Nine", "v1.9", first)
        git(repository.work, "push", "--quiet", "origin", "--tags")
        found = await door.ls_remote_all(await resolve_remote(host.url(), None, LOOPBACK))
        assert found == {
            "refs/heads/main": first,
            "refs/heads/release/2": second,
            "refs/tags/v1.9": first,
            "refs/tags/v1.10": second,
        }
        assert list(found)[-2:] == ["refs/tags/v1.9", "refs/tags/v1.10"]


class TestOwnRemote:
    async def test_a_push_is_found_without_a_fetch(self, door: Git, mirror: Path, repository: Repository) -> None:
        await door.init_bare(mirror)
        git(repository.work, "push", "--quiet", str(mirror), "HEAD:refs/heads/main")
        found = await fetch_commit(door, mirror, None, "main")
        assert found.message == "First commit"
        assert await fetch_commit(door, mirror, None, found.commit) == found
        assert await door.heads(mirror) == {"refs/heads/main": found.commit}
        with pytest.raises(SourceRefused, match="is not in this repository"):
            await fetch_commit(door, mirror, None, "gone")

    async def test_pinned_commits_stay_and_are_not_shown_to_who_clones(
        self, door: Git, mirror: Path, repository: Repository
    ) -> None:
        await door.init_bare(mirror)
        git(repository.work, "push", "--quiet", str(mirror), "HEAD:refs/heads/main")
        commit = await door.resolve(mirror, "refs/heads/main")
        await door.pin(mirror, commit, "rel_1")
        git(mirror, "update-ref", "-d", "refs/heads/main")
        git(mirror, "gc", "--quiet", "--prune=now")
        assert await door.has_commit(mirror, commit)
        assert git(repository.work, "ls-remote", str(mirror)) == ""
        await door.unpin(mirror, "rel_1")
        git(mirror, "gc", "--quiet", "--prune=now")
        assert not await door.has_commit(mirror, commit)

    async def test_order_is_told_by_ancestry(self, door: Git, mirror: Path, repository: Repository) -> None:
        await door.init_bare(mirror)
        older = git(repository.work, "rev-parse", "HEAD")
        newer = repository.commit({"a": b"1"})
        git(repository.work, "push", "--quiet", str(mirror), "HEAD:refs/heads/main")
        assert await door.is_ancestor(mirror, older, newer)
        assert await door.is_ancestor(mirror, newer, newer)
        assert not await door.is_ancestor(mirror, newer, older)
        assert not await door.is_ancestor(mirror, "a" * 40, newer)

    async def test_making_it_again_keeps_what_is_in_it(self, door: Git, mirror: Path, repository: Repository) -> None:
        await door.init_bare(mirror)
        git(repository.work, "push", "--quiet", str(mirror), "HEAD:refs/heads/main")
        (mirror / "info" / "attributes").write_text("* export-ignore\n")
        await door.init_bare(mirror)
        assert "-export-ignore" in (mirror / "info" / "attributes").read_text()
        assert list(await door.heads(mirror)) == ["refs/heads/main"]
        assert git(mirror, "symbolic-ref", "HEAD") == "refs/heads/main"
        assert git(mirror, "fsck") == ""


class TestSnapshots:
    async def test_the_tree_is_taken_byte_for_byte_whatever_its_attributes_say(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository, tmp_path: Path
    ) -> None:
        files = {
            ".gitattributes": b"[attr]mine export-ignore\nhidden export-ignore\nother mine\nver export-subst\n*.txt eol=crlf text\n"
            b"id ident\nf filter=evil\nw text working-tree-encoding=UTF-16\n",
            "hidden": b"1", "other": b"2", "ver": b"$Format:%H$\n", "a.txt": b"line\n", "id": b"$Id$\n", "f": b"raw", "w": "plain".encode("utf-16"),
            "d/link": "../ver", "\u00fc \u65e5": b"x",
        }  # fmt: skip
        repository.commit(files)
        files["w"] = b"plain"  # what git keeps of it
        found = await fetch(door, mirror, host.url())
        made = await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store")
        reader = SnapshotReader(made.path)
        for path, content in files.items():
            if isinstance(content, bytes):
                assert reader.read(path, 1000) == content
        packed = tar_of({**files, "main.py": b"print(1)\n"})
        assert (await snapshot_from(chunks(packed), tmp_path / "store")).digest == made.digest

    async def test_a_tree_seen_before_is_not_archived_again(
        self, door: Git, mirror: Path, host: HttpHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = await fetch(door, mirror, host.url())
        made = await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store")
        monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
        assert await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store") == made

    async def test_a_snapshot_that_was_cleaned_away_is_made_again(
        self, door: Git, mirror: Path, host: HttpHost, tmp_path: Path
    ) -> None:
        found = await fetch(door, mirror, host.url())
        made = await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store")
        made.path.unlink()
        assert await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store") == made
        assert made.path.exists()

    async def test_pointers_of_lfs_are_said_to_be_no_files(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit(
            {"big.bin": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 9\n"}
        )
        found = await fetch(door, mirror, host.url())
        with pytest.raises(SourceRefused, match=r"'big\.bin' is kept in Git LFS"):
            await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store")

    async def test_a_submodule_is_said_to_be_missing(
        self, door: Git, mirror: Path, host: HttpHost, repository: Repository, tmp_path: Path
    ) -> None:
        library = Repository.make(tmp_path, "library.git")
        library.commit({"lib.py": b"x"})
        git(repository.work, "submodule", "--quiet", "add", str(library.bare), "vendor/library")
        repository.commit({})
        found = await fetch(door, mirror, host.url())
        with pytest.raises(SourceRefused, match="'vendor/library' is a git submodule"):
            await snapshot_of_commit(door, mirror, found.tree, tmp_path / "store")


class TestSsh:
    @pytest.fixture
    def ssh(self, tmp_path: Path) -> Iterator[SshHost]:
        keys = tmp_path / "keys"
        keys.mkdir()
        with ssh_host(keys) as opened:
            yield opened

    def credential(self, ssh: SshHost, **more: str) -> GitCredential:
        return GitCredential(f"127.0.0.1:{ssh.port}", **{"private_key": ssh.client_key, **more})

    async def test_a_key_opens_its_host(self, door: Git, mirror: Path, ssh: SshHost, repository: Repository) -> None:
        credential = self.credential(ssh, known_hosts=ssh.host_key_line)
        assert (await fetch(door, mirror, ssh.url(repository.bare), credential=credential)).message == "First commit"

    async def test_another_key_does_not(
        self, door: Git, mirror: Path, ssh: SshHost, repository: Repository, tmp_path: Path
    ) -> None:
        for credential in (self.credential(ssh, private_key=make_key(tmp_path / "stranger")), None):
            with pytest.raises(SourceRefused, match="may not be read"):
                await fetch(door, mirror, ssh.url(repository.bare), credential=credential)

    async def test_a_host_with_another_key_than_the_known_one_is_refused(
        self, door: Git, mirror: Path, ssh: SshHost, repository: Repository, tmp_path: Path
    ) -> None:
        make_key(tmp_path / "other")
        line = f"[127.0.0.1]:{ssh.port} {(tmp_path / 'other.pub').read_text()}"
        with pytest.raises(SourceRefused, match="is not the one that is known"):
            await fetch(door, mirror, ssh.url(repository.bare), credential=self.credential(ssh, known_hosts=line))

    async def test_the_key_seen_first_is_required_from_then_on(
        self, door: Git, mirror: Path, ssh: SshHost, repository: Repository, tmp_path: Path
    ) -> None:
        await fetch(door, mirror, ssh.url(repository.bare), credential=self.credential(ssh))
        kept = tmp_path / "known_hosts"
        assert ssh.host_key_line in kept.read_text()
        make_key(tmp_path / "other")
        kept.write_text(f"[127.0.0.1]:{ssh.port} {(tmp_path / 'other.pub').read_text()}")
        repository.commit({"a": b"1"})
        with pytest.raises(SourceRefused, match="is not the one that is known"):
            await fetch(door, mirror, ssh.url(repository.bare), credential=self.credential(ssh))

    async def test_a_repository_that_is_not_there_over_ssh(
        self, door: Git, mirror: Path, ssh: SshHost, tmp_path: Path
    ) -> None:
        with pytest.raises(SourceRefused, match="is not there"):
            await fetch(door, mirror, ssh.url(tmp_path / "gone.git"), credential=self.credential(ssh))

    async def test_the_key_is_on_disk_only_while_git_runs(self, door: Git, mirror: Path, ssh: SshHost, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(scratch))
        await fetch(door, mirror, ssh.url(repository.bare), credential=self.credential(ssh))
        assert list(scratch.iterdir()) == []
        assert getpass.getuser() in ssh.url(repository.bare)
