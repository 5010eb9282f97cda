"""What `slipyard deploy .` sends: what git would commit, less what the build ignores, and nothing from elsewhere."""

import io
import os
import subprocess
import tarfile

import pytest
import zstandard

from slipyard.cli.failure import Failed
from slipyard.cli.pack.archive import choose, packed
from slipyard.cli.pack.docker_files import wanted_by_build
from slipyard.cli.pack.git_files import visible_files


def fill(directory, **files):
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def put(directory, *paths):
    for path in paths:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(path)


def git(directory, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", str(directory), *identity, *arguments], check=True, capture_output=True)


def unpacked(directory, entries):
    data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(b"".join(packed(directory, entries)))).read()
    return tarfile.open(fileobj=io.BytesIO(data))


@pytest.fixture(params=["without git", "in a repository"])
def project(tmp_path, request):
    if request.param == "in a repository":
        git(tmp_path, "init", "-q")
    return tmp_path


def test_what_gitignore_lists_stays_at_home(project):
    put(project, "app.py", "secret.env", "node_modules/a.js", "deep/keep.log", "deep/drop.log", "deep/er/drop.log")
    (project / ".gitignore").write_text("*.env\nnode_modules/\n")
    (project / "deep" / ".gitignore").write_text("*.log\n!keep.log\n")
    assert set(visible_files(project)) == {".gitignore", "app.py", "deep/.gitignore", "deep/keep.log"}


def test_nothing_of_git_itself_is_sent(project):
    put(project, "a", ".git/config", "sub/.git/config", "sub/b")
    assert not [path for path in visible_files(project) if ".git/" in path]


def test_a_tracked_file_goes_along_where_a_rule_ignores_it_and_a_deleted_one_does_not(tmp_path):
    git(tmp_path, "init", "-q")
    put(tmp_path, "kept.env", "gone.py")
    git(tmp_path, "add", ".")
    (tmp_path / ".gitignore").write_text("*.env\n")
    (tmp_path / "gone.py").unlink()
    assert set(visible_files(tmp_path)) == {".gitignore", "kept.env"}


def test_a_directory_that_the_repository_around_it_ignores_is_sent_whole(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("out/\n")
    put(tmp_path, "out/a", "out/b.pyc")
    assert set(visible_files(tmp_path / "out")) == {"a", "b.pyc"}


def test_a_repository_inside_is_sent_with_its_own_rules(tmp_path):
    git(tmp_path, "init", "-q")
    put(tmp_path, "a", "inner/b", "inner/c.log")
    git(tmp_path / "inner", "init", "-q")
    (tmp_path / "inner" / ".gitignore").write_text("*.log\n")
    assert set(visible_files(tmp_path)) == {"a", "inner/.gitignore", "inner/b"}


def test_what_dockerignore_lists_need_not_travel_except_what_slipyard_reads(tmp_path):
    put(tmp_path, "Dockerfile", "Procfile", "slipyard.yaml", "docs/a.md", "docs/README.md", "src/app.py")
    (tmp_path / ".dockerignore").write_text("*\n!src\n!docs/README.md\n")
    sent = wanted_by_build(tmp_path, sorted(visible_files(tmp_path)))
    assert set(sent) == {".dockerignore", "Dockerfile", "Procfile", "slipyard.yaml", "docs/README.md", "src/app.py"}


def test_the_rules_beside_another_dockerfile_win(tmp_path):
    put(tmp_path, "build.Dockerfile", "a.txt", "b.txt")
    (tmp_path / ".dockerignore").write_text("a.txt\n")
    (tmp_path / "build.Dockerfile.dockerignore").write_text("b.txt\n")
    sent = wanted_by_build(tmp_path, sorted(visible_files(tmp_path)), "build.Dockerfile")
    assert set(sent) >= {"build.Dockerfile", "build.Dockerfile.dockerignore", "a.txt"}
    assert "b.txt" not in sent


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside"])
def test_a_link_that_leads_out_stays_at_home(tmp_path, target):
    put(tmp_path, "outside", "project/a", "project/sub/b")
    (tmp_path / "project" / "link").symlink_to(target)
    chosen = choose(tmp_path / "project", visible_files(tmp_path / "project"))
    assert chosen.left_out == ["link"]
    assert set(chosen.entries) == {"a", "sub/b"}


def test_files_behind_a_linked_directory_are_not_followed(tmp_path):
    put(tmp_path, "elsewhere/secret", "project/a")
    (tmp_path / "project" / "dir").symlink_to("../elsewhere")
    chosen = choose(tmp_path / "project", ["a", "dir", "dir/secret"])
    assert chosen.entries == ["a"]


def test_what_is_no_file_stays_at_home(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert choose(tmp_path, ["pipe"]).left_out == ["pipe"]


def test_the_archive_has_contents_modes_and_inner_links_and_no_owners_or_times(tmp_path):
    fill(tmp_path, **{"a.sh": "#!/bin/sh\n", "b" * 150: "long", "ünï.txt": "x" * 1000, "empty": ""})
    (tmp_path / "a.sh").chmod(0o700)
    (tmp_path / "link").symlink_to("a.sh")
    entries = choose(tmp_path, visible_files(tmp_path)).entries
    with unpacked(tmp_path, entries) as tar:
        found = {member.name: member for member in tar.getmembers()}
        assert set(found) == {"a.sh", "b" * 150, "ünï.txt", "empty", "link"}
        assert (found["a.sh"].mode, found["ünï.txt"].mode) == (0o755, 0o644)
        assert (found["link"].issym(), found["link"].linkname) == (True, "a.sh")
        assert tar.extractfile("ünï.txt").read() == b"x" * 1000
        assert {(member.uid, member.mtime, member.uname) for member in found.values()} == {(0, 0, "")}


def test_the_same_tree_is_the_same_bytes(tmp_path):
    put(tmp_path, "a", "b/c")
    first = b"".join(packed(tmp_path, ["a", "b/c"]))
    os.utime(tmp_path / "a", (1, 1))
    assert b"".join(packed(tmp_path, ["a", "b/c"])) == first


def test_a_file_that_shrinks_under_the_reader_is_an_error_and_no_broken_archive(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(os.urandom(1024 * 1024))
    stream = packed(tmp_path, ["big"])
    next(stream)
    os.truncate(path, 10)
    with pytest.raises(Failed, match="got shorter"):
        b"".join(stream)
