"""The tar that goes to the builder: the whole snapshot, or exactly the part that rules and subdirectory leave."""

import tarfile
from pathlib import Path

import pytest

from slipyard.builder.context import BuildContext, filter_context
from slipyard.builder.image_build import Dockerfile
from slipyard.builder.snapshot import snapshot_from
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.domain.errors import NotFound, SourceRefused, SystemFault
from tests.unit.tars import chunks, tar_of

LONG = "d" * 90 + "/" + "f" * 120
FILES = {
    "Dockerfile": b"FROM scratch\n",
    "app/main.py": b"x",
    "app/data/big": b"y" * 3000,
    "link": "app/main.py",
    LONG: b"z",
    "secret.env": b"s",
}


async def context(
    files: dict, store: Path, subdirectory: str = "", dockerfile: Dockerfile | None = None, rules: tuple = ()
) -> BuildContext:
    snapshot = await snapshot_from(chunks(tar_of(files)), store / "snapshots")
    return await filter_context(snapshot.path, store / "contexts", subdirectory, dockerfile or Dockerfile(), rules)


def contents(path: Path) -> dict[str, bytes | str]:
    with tarfile.open(path, "r:") as archive:
        members = [member for member in archive if not member.isdir()]
        return {m.name: m.linkname if m.issym() else archive.extractfile(m).read() for m in members}


async def test_a_tree_without_rules_goes_as_it_is_and_is_not_copied(tmp_path: Path) -> None:
    made = await context(FILES, tmp_path)
    assert made.path.parent == tmp_path / "snapshots"
    assert made.dockerfile == Dockerfile()


async def test_what_is_ignored_does_not_go(tmp_path: Path) -> None:
    rules = b"secret.env\napp/data\n"
    made = await context(FILES | {".dockerignore": rules}, tmp_path)
    assert contents(made.path) == {
        **{path: content for path, content in FILES.items() if path not in {"secret.env", "app/data/big"}},
        ".dockerignore": rules,
    }


async def test_a_subdirectory_becomes_the_root(tmp_path: Path) -> None:
    files = {f"services/web/{path}": content for path, content in FILES.items()} | {"services/other": b"no"}
    assert contents((await context(files, tmp_path, "services/web")).path) == FILES


async def test_the_same_context_is_the_same_file_again(tmp_path: Path) -> None:
    files = FILES | {".dockerignore": b"secret.env"}
    first = await context(files, tmp_path)
    assert await context(files, tmp_path) == first
    assert len([*(tmp_path / "contexts").iterdir()]) == 1


async def test_an_ignored_dockerfile_travels_beside_the_tar(tmp_path: Path) -> None:
    made = await context(FILES | {".dockerignore": b"Dockerfile\n.dockerignore"}, tmp_path)
    assert made.dockerfile == Dockerfile("Dockerfile", "FROM scratch\n")
    assert "Dockerfile" not in contents(made.path)
    assert ".dockerignore" not in contents(made.path)


async def test_a_dockerfile_behind_a_link_travels_as_what_it_links_to(tmp_path: Path) -> None:
    made = await context({"Dockerfile": "docker/web", "docker/web": b"FROM busybox\n"}, tmp_path)
    assert made.dockerfile.text == "FROM busybox\n"


async def test_rules_beside_a_dockerfile_of_another_name_come_first(tmp_path: Path) -> None:
    files = {"a/web": b"FROM scratch\n", "a/web.dockerignore": b"x", ".dockerignore": b"y", "x": b"", "y": b""}
    found = contents((await context(files, tmp_path, dockerfile=Dockerfile("a/web"))).path)
    assert "x" not in found
    assert "y" in found


async def test_default_rules_count_only_where_the_tree_has_none(tmp_path: Path) -> None:
    generated = Dockerfile("Dockerfile", "FROM scratch\n")
    assert "secret.env" not in contents((await context(FILES, tmp_path, "", generated, ("*.env",))).path)
    own = FILES | {".dockerignore": b"link"}
    assert "secret.env" in contents((await context(own, tmp_path, "", generated, ("*.env",))).path)


async def test_a_subdirectory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="no directory 'web'"):
        await context(FILES, tmp_path, "web")


async def test_a_snapshot_is_read_through_its_links(tmp_path: Path) -> None:
    files = {"d/real": b"content", "here": "d", "loop": "loop", "d/up": "../d/real", "broken": "nowhere"}
    reader = SnapshotReader((await snapshot_from(chunks(tar_of(files)), tmp_path)).path)
    assert reader.read("here/real", 10) == b"content"
    assert reader.read("here/up", 10) == b"content"
    assert reader.is_directory("here")
    assert not reader.exists("loop")
    assert not reader.exists("broken")
    assert not reader.exists("d/real/x")
    with pytest.raises(NotFound):
        reader.read("d", 10)
    with pytest.raises(SourceRefused, match="7 bytes"):
        reader.read("d/real", 6)


async def test_a_snapshot_that_is_gone_is_said_to_be_ours_to_mend(tmp_path: Path) -> None:
    with pytest.raises(SystemFault, match="Build again"):
        SnapshotReader(tmp_path / "gone.tar")
