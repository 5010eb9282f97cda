"""Keys of ssh hosts, as lines of known_hosts (sshd(8))."""

import re

from slipyard.domain.errors import FieldProblem, ValidationFailed

_KEY = r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]{16,}={0,3}"
_BARE = re.compile(rf"(?P<key>{_KEY})(?: .*)?")
_LINE = re.compile(rf"(?P<hosts>[^\s#@]\S*) (?P<key>{_KEY})(?: .*)?")
_MAXIMUM_LINES = 32


def check_known_hosts(text: str, alias: str) -> str:
    """Lines for one host. A key alone, as a host's documentation prints it, gets the name of the host.

    `alias` is how ssh looks the host up: `host`, or `[host]:port`. `ValidationFailed` where a line is none.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) > _MAXIMUM_LINES:
        raise _wrong(f"A host has a few keys, not {len(lines)}. Send the lines of this host only.")
    return "\n".join(_line(line, alias) for line in lines)


def _line(text: str, alias: str) -> str:
    bare = _BARE.fullmatch(text)
    if bare is not None:
        return f"{alias} {bare['key']}"
    found = _LINE.fullmatch(text)
    if found is None or not text.isprintable():
        raise _wrong("This is not a line of known_hosts: ssh-keyscan HOST prints the ones that are.")
    hosts = found["hosts"].split(",")
    if alias not in hosts and not found["hosts"].startswith("|1|"):
        raise _wrong(f"This line is for {found['hosts'][:80]}, and ssh looks for {alias}. Send the line of that host.")
    return f"{found['hosts']} {found['key']}"


def _wrong(message: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem("known_hosts", "not usable")])
