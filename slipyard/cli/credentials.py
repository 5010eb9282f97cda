"""What `slipyard login` remembers: a token for each server, in a file that only its owner can read."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path


def credentials_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "slipyard" / "credentials.json"


@dataclass
class Credentials:
    current: str | None = None
    servers: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """Empty where there is no such file, or none that we can read."""
        try:
            content = json.loads(path.read_text())
            return cls(content.get("current"), dict(content["servers"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def remember(self, url: str, token: str) -> None:
        self.current = url
        self.servers[url] = token

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"current": self.current, "servers": self.servers}, file, indent=2)
        draft.replace(path)
