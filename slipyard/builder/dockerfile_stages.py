"""What a Dockerfile says of its stages before it is built: their names, and the port of one of them."""

import re

from slipyard.domain.errors import SourceRefused

_MAXIMUM_PORT = 65535
_STAGE = re.compile(r"^\s*FROM\s+\S+(?:\s+--\S+)*(?:.*?\s+AS\s+(?P<name>\S+))?\s*$", re.MULTILINE | re.IGNORECASE)
_EXPOSE = re.compile(r"^\s*EXPOSE\b[^\n]*?\s(?P<port>[0-9]{1,5})(?:/tcp)?(?=\s|$)", re.MULTILINE | re.IGNORECASE)


def check_target(text: str, target: str | None) -> None:
    stages = [stage["name"] for stage in _STAGE.finditer(text) if stage["name"]]
    if target is not None and target.lower() not in {stage.lower() for stage in stages} and not target.isdigit():
        raise SourceRefused(
            f"The Dockerfile has no stage {target[:80]!r}; it has {', '.join(stages) or 'none with a name'}."
        )


def exposed_port(text: str, target: str | None) -> int | None:
    """The first port that the stage in question exposes, else its only one anywhere in the file."""
    stages = list(_STAGE.finditer(text))
    chosen = next((stage for stage in stages if target and (stage["name"] or "").lower() == target.lower()), None)
    begin = chosen or (stages[-1] if stages else None)
    end = next((stage.start() for stage in stages if begin and stage.start() > begin.start()), len(text))
    found = _EXPOSE.search(text, begin.end() if begin else 0, end) or _EXPOSE.search(text)
    return int(found["port"]) if found and 0 < int(found["port"]) <= _MAXIMUM_PORT else None
