"""`NAME=VALUE` words; `NAME=@file` reads a file and `NAME=-` standard input, so that a secret need not be typed here."""

import sys
from collections.abc import Iterable
from pathlib import Path

from slipyard.cli.failure import WrongUsage


def parse_pairs(words: Iterable[str]) -> dict[str, str]:
    return dict(_pair(word) for word in words)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise WrongUsage(f"{word!r} is not NAME=VALUE. To take a variable away, use `slipyard env unset`.")
    if value == "-":
        return name, sys.stdin.read().removesuffix("\n")
    if value.startswith("@"):
        return name, _content(Path(value[1:]))
    return name, value


def _content(path: Path) -> str:
    try:
        return path.read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read as text: {error}.") from None
