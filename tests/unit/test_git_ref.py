"""Names of branches and commits follow git-check-ref-format, and none of them is an option."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused
from slipyard.domain.git_ref import branch_of, check_branch, check_commit, check_ref, is_commit

FORBIDDEN = [
    "", "-x", "--help", "--upload-pack=id", "a..b", "..", "a b", "a\tb", "a\nb", "a\x00b", "a\x7fb", "a~1", "a^", "a^{tree}", "a:b", ":a",
    "a?", "a*", "refs/heads/*", "a[b", "a\\b", "/a", "a/", "a//b", "a.", "@", "a@{1}", "@{u}", ".a", "a/.b", "a.lock", "a.lock/b",
    "a/b.lock", "x" * 256, "ä" * 128, "a\u202eb", "main@{upstream}", " ", "a ",
    "--upload-pack=touch /tmp/x", "--exec=id", "-", "--", "-c core.sshCommand=id", "--output=/etc/x", "refs/heads/..", "refs/../heads/main",
    "refs/heads/.", "refs/heads/", "/refs/heads/main", "refs//heads", "refs/heads/a.lock", "HEAD~1", "HEAD^", "main^{commit}", "main:Dockerfile",
    ":/fix", "@{-1}", "main@{yesterday}", "a\rb", "a\x1bb", "\tmain", "main\n", "a*b", "^main", "main..evil", "a...b", "main:refs/heads/x",
    "+refs/heads/*:refs/heads/*", "a\u2028b", "a\u200fb", "\ufeffmain", "a?b", "[a]", "a\\..\\b", "x/" * 128, ".", "./main", "main/.git",
]  # fmt: skip


@pytest.mark.parametrize("text", FORBIDDEN)
def test_a_forbidden_ref_is_refused(text: str) -> None:
    with pytest.raises(SourceRefused):
        check_ref(text)


@pytest.mark.parametrize(
    "text", ["main", "feature/login", "release-1.2", "a@b", "übung", "refs/heads/main", "HEAD", "v1.0", "a.b", "日本"]
)
def test_a_usual_ref_is_taken(text: str) -> None:
    assert check_ref(text) == text


@pytest.mark.parametrize("text", ["HEAD", "refs/heads/main", "-main"])
def test_a_branch_is_given_by_its_short_name(text: str) -> None:
    with pytest.raises(SourceRefused):
        check_branch(text)


@pytest.mark.parametrize(
    "text", ["", "abc", "A" * 40, "g" * 40, "a" * 39, "a" * 41, "-" + "a" * 39, "a" * 40 + "\n", "HEAD", "main"]
)
def test_only_a_whole_object_name_is_a_commit(text: str) -> None:
    assert not is_commit(text)
    with pytest.raises(SourceRefused):
        check_commit(text)


def test_object_names_of_both_hashes_are_commits() -> None:
    assert is_commit("0123456789" * 4)
    assert is_commit("ab" * 32)


def test_the_branch_of_a_pushed_ref() -> None:
    assert branch_of("refs/heads/feature/x") == "feature/x"
    assert branch_of("refs/tags/v1") is None


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="ab/.-@{}~^:?*[\\ lock\x01", min_size=1, max_size=12))
def test_what_git_itself_refuses_is_refused(text: str) -> None:
    try:
        check_ref(text)
    except SourceRefused:
        return
    assert subprocess.run(["git", "check-ref-format", "--allow-onelevel", text], check=False).returncode == 0
