"""What is read, changed and sent back with its ETag, so that two editors do not overwrite each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipyard.cli.client import Client

_YAML = {"Content-Type": "application/yaml"}


@dataclass(frozen=True)
class Versioned:
    """One thing of the API under its path, as it was when it was read."""

    client: Client
    path: str
    text: str
    body: Any
    etag: str

    @classmethod
    def read(cls, client: Client, path: str) -> "Versioned":
        answer = client.exchange("GET", path)
        is_json = answer.headers["content-type"].startswith("application/json")
        return cls(client, path, answer.text, answer.json() if is_json else None, answer.headers["etag"])

    def patch(self, body: Mapping[str, Any]) -> Any:
        return self.client.exchange("PATCH", self.path, json=body, headers={"If-Match": self.etag}).json()

    def put_yaml(self, text: str) -> str:
        headers = {**_YAML, "If-Match": self.etag}
        return self.client.exchange("PUT", self.path, content=text.encode(), headers=headers).text
