"""The Procfile: a name and a command on a line, as Heroku and its followers read it."""

import re

from slipyard.domain.errors import SourceRefused

_LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,62})\s*:\s*(?P<command>\S.*)")


def parse_procfile(text: str) -> dict[str, str]:
    """Process -> command, in order. Empty lines and lines that begin with # mean nothing."""
    processes: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None or found["name"] in processes:
            raise SourceRefused(
                f"Procfile line {number} is not read: {stripped[:80]!r}. Write each process once, as <name>: <command>."
            )
        processes[found["name"]] = found["command"]
    return processes
