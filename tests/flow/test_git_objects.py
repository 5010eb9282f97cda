"""What a repository holds, by its files and by git: the same answer for loose objects, packs and what is not there."""

import random
from pathlib import Path

from slipyard.clients.git import Git
from slipyard.clients.git_objects import may_hold
from tests.flow.repository import Repository


def every_object(repository: Repository) -> list[str]:
    lines = repository.git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    return [line.split()[0] for line in lines]


def strangers(names: list[str]) -> list[str]:
    """Names that are not there, the neighbours of those that are among them."""
    near = [f"{(int(name, 16) + step) % 16**40:040x}" for name in names for step in (-1, 1)]
    far = [f"{random.Random(n).getrandbits(160):040x}" for n in range(200)]
    return [name for name in [*near, *far, "0" * 40, "f" * 40] if name not in set(names)]


def test_loose_and_packed(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    for number in range(40):
        repository.commit(f"commit {number}", file__txt=str(number))
    for packed in (False, True):
        if packed:
            repository.git("gc", "--quiet", "--prune=now")
            repository.commit("and one more", file__txt="more")
        names = every_object(repository)
        assert len(names) > 100
        assert all(may_hold(tmp_path / ".git", name) for name in names)
        assert not any(may_hold(tmp_path / ".git", name) for name in strangers(names))


def test_doubt_is_a_yes(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("one", file__txt="1")
    repository.git("gc", "--quiet")
    (index,) = (tmp_path / ".git" / "objects" / "pack").glob("*.idx")

    assert may_hold(tmp_path / ".git", "0" * 64)
    index.chmod(0o600)
    index.write_bytes(b"another version")
    assert may_hold(tmp_path / ".git", "0" * 40)
    assert not may_hold(tmp_path / "nowhere", "0" * 40)


async def test_an_ancestor_that_was_never_fetched_starts_no_process(tmp_path: Path, monkeypatch) -> None:
    repository = Repository(tmp_path)
    old = repository.commit("one", file__txt="1")
    new = repository.commit("two", file__txt="2")
    git = Git(tmp_path / "known_hosts")

    assert await git.is_ancestor(tmp_path / ".git", old, new)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not await git.is_ancestor(tmp_path / ".git", "a" * 40, new)
