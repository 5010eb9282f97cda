"""Which files of a tree say what the app is, and which of them wins: slipyard.yaml, the compose file, app.json.

The Procfile, which the languages need as well, is read by the plan. Blocking, like the tree.
"""

from typing import Protocol

from slipyard.domain.errors import SourceRefused
from slipyard.domain.manifest import NOTHING_SAID, Manifest
from slipyard.domain.manifests.app_json import APP_JSON, read_app_json
from slipyard.domain.manifests.compose.filled import Variables
from slipyard.domain.manifests.compose.read import read_compose
from slipyard.domain.manifests.slipyard_yaml import SLIPYARD_YAML, read_slipyard_yaml
from slipyard.domain.source import Source


class Files(Protocol):
    """Of one directory, by paths relative to it."""

    def has(self, name: str) -> bool: ...

    def text(self, name: str) -> str:
        """Empty where there is none."""


def read_manifest(tree: Files, source: Source, variables: Variables) -> Manifest:
    """`SourceRefused` where one of the files says what it may not."""
    said, compose = NOTHING_SAID, source.compose
    if tree.has(SLIPYARD_YAML):
        said, asked = read_slipyard_yaml(tree.text(SLIPYARD_YAML))
        compose = compose or asked
    if compose is not None:
        said = said.over(_compose(tree, compose, variables))
    return said.over(read_app_json(tree.text(APP_JSON))) if tree.has(APP_JSON) else said


def _compose(tree: Files, path: str, variables: Variables) -> Manifest:
    def read_file(name: str) -> str | None:
        return tree.text(name) if tree.has(name) else None

    if not tree.has(path):
        raise SourceRefused(
            f"There is no compose file {path[:200]!r} in the source. Check `compose` in {SLIPYARD_YAML} or of the app."
        )
    return read_compose(path, tree.text(path), variables, read_file)
