"""A secret for a command: from a file, from standard input, or asked for. Never an argument, which everybody may read."""

import getpass
import sys
from pathlib import Path

from slipyard.cli.failure import WrongUsage


def read_secret(file: Path | None, prompt: str, *, from_stdin: bool) -> str:
    if file is not None and from_stdin:
        raise WrongUsage("The secret comes from a file or from standard input, not from both.")
    if file is not None:
        secret = _text(file)
    elif from_stdin or not sys.stdin.isatty():
        secret = sys.stdin.read()
    else:
        secret = getpass.getpass(prompt)
    if not secret.strip():
        raise WrongUsage("No secret was given. Name a file with it, or pipe it in.")
    return secret.strip()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read as text: {error}.") from None
