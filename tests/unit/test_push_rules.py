"""The rules of pushes, each by itself: what stops one, and that the sentence names the rule."""

import pytest

from slipyard.domain.app import AppConfig
from slipyard.domain.push_rules import (
    NO_COMMIT,
    Rule,
    stopped_by_check,
    stopped_by_marker,
    stopped_by_paths,
    stopped_by_ref,
)
from slipyard.domain.source import Source
from slipyard.domain.triggers import Triggers

COMMIT = "a" * 40


def config(*, branches: list[str] | None = None, tags: list[str] | None = None, check: str | None = None) -> AppConfig:
    return AppConfig(
        source=Source(branch="main"), triggers=Triggers(branches=branches or [], tags=tags or [], after_check=check)
    )


@pytest.mark.parametrize(
    ("branches", "ref", "words"),
    [
        ([], "refs/heads/other", "only branch main is deployed"),
        ([], "refs/notes/commits", "neither a branch nor a tag"),
        (["release/*"], "refs/heads/release/1/2", "triggers.branches"),
        (["release/*", "!release/2"], "refs/heads/release/2", "taken out by !release/2"),
        (["!main"], "refs/heads/main", "taken out by !main"),
        (["!feature/**"], "refs/heads/other", "triggers.branches"),
    ],
)
def test_branches_that_do_not_deploy(branches: list[str], ref: str, words: str) -> None:
    stopped = stopped_by_ref(config(branches=branches), ref, COMMIT)

    assert stopped is not None
    assert (stopped.rule, stopped.decision) == (Rule.BRANCH, "ignored")
    assert words in stopped.sentence


@pytest.mark.parametrize(
    ("branches", "ref"),
    [
        ([], "refs/heads/main"),
        (["release/*"], "refs/heads/main"),
        (["release/*"], "refs/heads/release/1"),
        (["**", "!docs/**", "docs/now"], "refs/heads/docs/now"),
    ],
)
def test_branches_that_deploy(branches: list[str], ref: str) -> None:
    assert stopped_by_ref(config(branches=branches), ref, COMMIT) is None


@pytest.mark.parametrize(
    ("tags", "tag", "words"),
    [([], "v1", "triggers.tags names none"), (["v*"], "1.0", "names v*"), (["v*", "!v*-beta"], "v1-beta", "!v*-beta")],
)
def test_tags_that_do_not_deploy(tags: list[str], tag: str, words: str) -> None:
    stopped = stopped_by_ref(config(tags=tags), f"refs/tags/{tag}", COMMIT)

    assert stopped is not None
    assert stopped.rule is Rule.TAG
    assert words in stopped.sentence


def test_tags_that_deploy() -> None:
    assert stopped_by_ref(config(tags=["v*"]), "refs/tags/v1.2", COMMIT) is None


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1"])
def test_a_deletion_leaves_what_is_live(ref: str) -> None:
    stopped = stopped_by_ref(config(tags=["v*"]), ref, NO_COMMIT)

    assert stopped is not None
    assert stopped.rule is Rule.DELETED
    assert "what is live stays" in stopped.sentence


@pytest.mark.parametrize(
    ("watched", "paths"),
    [
        (["src/**"], ["docs/a.md"]),
        (["src/*"], ["src/a/b"]),
        (["src"], ["src2/a", "lib/src"]),
        (["**", "!docs/"], ["docs/a/b.md"]),
        (["!**.md"], ["README.md", "docs/a.md"]),
        (["src/**"], []),
    ],
)
def test_paths_that_are_not_watched_skip(watched: list[str], paths: list[str]) -> None:
    stopped = stopped_by_paths(watched, paths)

    assert stopped is not None
    assert (stopped.rule, stopped.decision) == (Rule.WATCH_PATHS, "skipped")
    assert "watch_paths" in stopped.sentence


@pytest.mark.parametrize(
    ("watched", "paths"),
    [
        ([], []),
        (["src/**"], None),
        (["src/**"], ["docs/a.md", "src/a/b"]),
        (["src"], ["src"]),
        (["/src/"], ["src/a/b"]),
        (["./src"], ["src/a/b"]),
        (["!docs/**"], ["docs/a", "main.py"]),
        (["**", "!docs/**", "docs/api.md"], ["docs/api.md"]),
    ],
)
def test_paths_that_are_watched_or_unknown_deploy(watched: list[str], paths: list[str] | None) -> None:
    assert stopped_by_paths(watched, paths) is None


def test_the_sentence_about_paths_stays_short() -> None:
    stopped = stopped_by_paths(["src"], [f"docs/{number}.md" for number in range(3000)])

    assert stopped is not None
    assert stopped.sentence.endswith("docs/2.md and 2997 more.")


def test_a_marker_skips_and_a_message_without_one_does_not() -> None:
    stopped = stopped_by_marker("Words\n\n[CI Skip]")

    assert stopped is not None
    assert (stopped.rule, stopped.decision) == (Rule.SKIP_MARKER, "skipped")
    assert stopped_by_marker("skip ci") is None


def test_a_push_waits_for_its_check_and_for_one_that_failed() -> None:
    waiting, failed = (stopped_by_check(config(check="test"), COMMIT, passed) for passed in (None, False))

    assert waiting is not None
    assert waiting.sentence.endswith("waits for the check test.")
    assert failed is not None
    assert "failed" in failed.sentence
    assert {waiting.decision, failed.decision} == {"held"}
    assert stopped_by_check(config(check="test"), COMMIT, passed=True) is None
    assert stopped_by_check(config(), COMMIT, passed=None) is None
