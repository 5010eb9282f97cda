"""What `.dockerignore` leaves out of a build, by cases that people write; hundreds of random ones are in tests/engine."""

import pytest

from slipyard.builder.dockerignore import IgnoreRules, parse_ignore_file
from slipyard.domain.errors import SourceRefused

TREE = [
    (".dockerignore", False), (".git", True), (".git/config", False), ("Dockerfile", False), ("README.md", False), ("docs", True),
    ("docs/README.md", False), ("docs/guide.md", False), ("node_modules", True), ("node_modules/a", True), ("node_modules/a/index.js", False),
    ("src", True), ("src/app.js", False), ("src/node_modules", True), ("src/node_modules/b.js", False), ("src/temp1", False),
]  # fmt: skip
PATHS = [path for path, _ in TREE]


def left_out(rules: str) -> list[str]:
    kept = IgnoreRules(parse_ignore_file(rules.encode())).kept(TREE)
    return [path for path in PATHS if path not in kept]


@pytest.mark.parametrize("pattern", ["!", "[", "[]", "[a-]", "a\\"])
def test_a_pattern_that_buildkit_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(SourceRefused, match="dockerignore"):
        IgnoreRules(parse_ignore_file(pattern.encode()))


def test_a_pattern_without_a_slash_counts_at_the_root_only() -> None:
    assert left_out("node_modules") == ["node_modules", "node_modules/a", "node_modules/a/index.js"]


def test_two_stars_count_at_every_depth() -> None:
    assert left_out("**/node_modules") == [
        "node_modules", "node_modules/a", "node_modules/a/index.js", "src/node_modules", "src/node_modules/b.js",
    ]  # fmt: skip
    assert left_out("**/*.md") == ["README.md", "docs/README.md", "docs/guide.md"]


def test_the_last_rule_that_matches_decides() -> None:
    assert left_out("*.md\n!README.md") == []
    assert left_out("!README.md\n*.md") == ["README.md"]


def test_an_exception_brings_back_what_lies_below_an_ignored_directory_and_the_directory_itself() -> None:
    assert left_out("docs\n!docs/guide.md") == ["docs/README.md"]
    assert left_out("**\n!src/app.js") == [path for path in PATHS if path not in {"src", "src/app.js"}]


@pytest.mark.parametrize("line", ["/docs", "docs/", "./docs", "docs//", " docs ", "docs\r", "x/../docs", "\ufeffdocs"])
def test_ways_to_write_the_same_directory(line: str) -> None:
    assert left_out(line) == ["docs", "docs/README.md", "docs/guide.md"]


@pytest.mark.parametrize("line", ["# docs", "", "   ", "Docs", "docs/*.txt", "\\#docs"])
def test_lines_that_leave_nothing_out(line: str) -> None:
    assert left_out(line) == []


def test_a_question_mark_is_one_sign_and_no_slash() -> None:
    assert left_out("src/temp?") == ["src/temp1"]
    assert left_out("src?temp1") == []
