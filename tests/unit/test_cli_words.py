"""What people type: apps, pairs, times."""

import subprocess
from datetime import UTC, datetime

import pytest

from slipyard.cli.app_name import app_or_fail, find_app_name
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.failure import WrongUsage
from slipyard.cli.output import ago
from slipyard.cli.spans import took, what_it_was


def test_no_app_is_named_and_the_sentence_says_how_to(tmp_path):
    with pytest.raises(WrongUsage, match=r"Which app\?.*slipyard.yaml"):
        app_or_fail(None, tmp_path)


def test_a_typed_name_wins_over_the_manifest(tmp_path):
    (tmp_path / "slipyard.yaml").write_text("name: shop\n")
    assert app_or_fail("api", tmp_path) == "api"
    assert app_or_fail(None, tmp_path) == "shop"


def test_a_manifest_that_is_no_yaml_is_said(tmp_path):
    (tmp_path / "slipyard.yaml").write_text("name: [")
    with pytest.raises(WrongUsage, match="not valid YAML"):
        app_or_fail(None, tmp_path)


@pytest.mark.parametrize("content", ["- a", "name: 3", "", "port: 80"])
def test_a_manifest_without_a_name_names_nothing(tmp_path, content):
    (tmp_path / "slipyard.yaml").write_text(content)
    assert find_app_name(tmp_path) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:7007/git/shop.git", "https://x.example/git/shop"])
def test_the_git_remote_names_the_app(tmp_path, url):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "slipyard", url], check=True)
    assert find_app_name(tmp_path) == "shop"


@pytest.mark.parametrize("word", ["A", "=1", ""])
def test_what_is_no_pair_is_refused(word):
    with pytest.raises(WrongUsage, match="NAME=VALUE"):
        parse_pairs([word])


def test_a_value_may_hold_anything_and_come_from_a_file(tmp_path):
    (tmp_path / "key").write_text("line 1\nline 2\n")
    assert parse_pairs(["A=b=c", "B=", f"C=@{tmp_path}/key"]) == {"A": "b=c", "B": "", "C": "line 1\nline 2"}
    with pytest.raises(WrongUsage, match="cannot be read"):
        parse_pairs([f"C=@{tmp_path}/missing"])


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, "-"),
        ("2026-01-02T00:00:00Z", "0s ago"),
        ("2026-01-01T23:58:00Z", "2m ago"),
        ("2026-01-01T20:59:00Z", "3h ago"),
        ("2025-12-30T00:00:00Z", "3d ago"),
        ("2026-01-02T00:00:09Z", "0s ago"),
    ],
)
def test_times_are_said_as_ages(moment, expected):
    assert ago(moment, datetime(2026, 1, 2, tzinfo=UTC)) == expected


def test_a_row_says_how_long_it_took_and_what_it_was():
    row = {"created_at": "2026-01-01T00:00:00Z", "started_at": None, "finished_at": "2026-01-01T00:00:02.5Z"}
    assert took(row) == "2.5 s"
    assert took(row | {"finished_at": None}) == "-"
    assert what_it_was({"commit": "a" * 40, "image": None}) == "a" * 10
    assert what_it_was({"commit": None, "image": "127.0.0.1:7008/shop-00ff:b12-1"}) == "build 12"
    assert what_it_was({"commit": None, "image": "nginx:1"}) == "nginx:1"
