"""`python -P bare.py module:function arguments`: a fresh interpreter for what runs for months.

Rich and Pygments are installed for the command line; structlog and HTTPX import both where they can, 7 MiB that no daemon
uses. An entry of None makes an import fail (the import system's documentation), and both do without.
"""

import os
import pkgutil
import sys
from pathlib import Path
from typing import Any, NoReturn

_UNWANTED = ("rich", "pygments")
_ROOT = str(Path(__file__).resolve().parents[3])


def bare_command(entry: str, *arguments: str) -> list[str]:
    """-P: the directory that somebody happens to be in is no place to import from."""
    return [sys.executable, "-P", str(Path(__file__).resolve()), entry, *arguments]


def become(entry: str, *arguments: str) -> NoReturn:
    """The same process with another program: its number, its children and its inheritable descriptors stay."""
    command = bare_command(entry, *arguments)
    os.execve(command[0], command, os.environ)  # noqa: S606 - no shell is wanted


def main() -> None:
    unwanted: dict[str, Any] = dict.fromkeys(_UNWANTED)
    sys.modules.update(unwanted)
    if _ROOT not in sys.path:
        sys.path.insert(0, _ROOT)  # a checkout that is not installed
    pkgutil.resolve_name(sys.argv[1])(*sys.argv[2:])


if __name__ == "__main__":
    main()
