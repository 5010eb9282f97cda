"""`.env` files are read strictly, and written so that everybody reads the same values. python-dotenv and a shell judge."""

import subprocess
from io import StringIO

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from slipyard.domain.dotenv_file import read_dotenv, write_dotenv
from slipyard.domain.errors import ValidationFailed

VALUES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=40)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A=1\nnonsense\n", "Line 2 of the .env file: there is no = in it."),
        ("A=1\n=x\n", "Line 2 of the .env file: this is not NAME=value."),
        ("A='1\nB=2\n", "Line 1 of the .env file: this is not NAME=value. Close its quotes"),
        ('A="1" x\n', "Line 1 of the .env file: this is not NAME=value."),
        ("A=1\n\nA=2\n", "Line 3 of the .env file: A is set twice."),
        ("export A\n", "there is no = in it. Write NAME= for an empty value"),
        ("A.B=1\n", "what is before the = is no name"),
        ("1A=1\n", "what is before the = is no name"),
        ("A=x\0y\n", "it holds a NUL"),
    ],
)
def test_what_is_no_env_file_is_refused_by_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_dotenv(text)
    assert sentence in refused.value.message


@pytest.mark.parametrize("text", ["KEY=-----BEGIN\ns3cret/piece\n", "KEY=x\ns3cret+piece==\n", "KEY='s3cret\n"])
def test_a_piece_of_a_secret_is_not_in_the_refusal(text: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_dotenv(text)
    assert "s3cret" not in refused.value.message


def test_quotes_comments_export_lines_and_line_ends_are_understood() -> None:
    text = (
        "\ufeff# first\r\n\r\nexport A=1 # one\r\nB='two # words'\r\nC=\"three\\nlines\\\"\"\r\nD='four\nlines'\r\nE=\r\n"
        "F=a#b\nG=${A}\nH = spaced \n"
    )
    expected = {
        "A": "1", "B": "two # words", "C": 'three\nlines"', "D": "four\nlines", "E": "", "F": "a#b", "G": "${A}",
        "H": "spaced",
    }  # fmt: skip
    assert read_dotenv(text) == expected


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_is_written_is_read_again_by_us_and_by_python_dotenv(env: dict[str, str]) -> None:
    text = write_dotenv(env)
    assert read_dotenv(text) == env
    assert dict(dotenv_values(stream=StringIO(text, newline=""), interpolate=False)) == env


def test_a_shell_reads_the_same_values() -> None:
    env = {"PLAIN": "a-b/c", "WORDS": "two words", "DOLLAR": "$HOME `id` $(id)", "LINES": "a\nb", "QUOTED": 'say "x"'}
    script = f"set -a\n{write_dotenv(env)}\nexec env -0"
    done = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, check=True, timeout=30)
    seen = dict(row.split("=", 1) for row in done.stdout.decode().split("\0") if row)
    assert {name: seen[name] for name in env} == env
