"""`slipyard config validate`: what the files of a directory say the app is, or why they cannot be read. Asks no server."""

import json
from pathlib import Path
from typing import Annotated

import typer

from slipyard.builder.languages.procfile import parse_procfile
from slipyard.builder.repository_manifest import read_manifest
from slipyard.cli.env_pairs import parse_pairs
from slipyard.cli.failure import WrongUsage
from slipyard.cli.options import Json
from slipyard.cli.output import print_json, print_table
from slipyard.domain.app import AppConfig
from slipyard.domain.formation import Formation, formation
from slipyard.domain.health import Command
from slipyard.domain.manifest import Manifest
from slipyard.domain.manifests.compose.filled import Variables
from slipyard.domain.manifests.slipyard_yaml import SLIPYARD_YAML, json_schema
from slipyard.domain.source import Source

_MOST_BYTES = 1024 * 1024


class _Directory:
    """The files beside the one that is checked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, name: str) -> bool:
        return (self._path / name).is_file()

    def text(self, name: str) -> str:
        file = self._path / name
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")


def validate(
    path: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="slipyard.yaml, a compose file, or their directory.")
    ] = Path(),
    *,
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE, for a compose file.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of slipyard.yaml, for editors.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check slipyard.yaml, the compose file, app.json and the Procfile of a directory, and show what they say.

    Example: slipyard config validate compose.yaml -e TAG=1.2
    """
    if schema:
        print(json.dumps(json_schema(), indent=2))
        return
    directory, compose = _asked(path)
    manifest = read_manifest(directory, Source(compose=compose), Variables(parse_pairs(env or [])))
    processes = parse_procfile(directory.text("Procfile"))
    services = formation(AppConfig(), manifest, processes)
    if as_json:
        print_json(manifest.model_dump(mode="json", exclude_defaults=True))
        return
    _show(manifest, services)


def _asked(path: Path) -> tuple[_Directory, str | None]:
    if path.is_dir():
        return _Directory(path), None
    if not path.is_file():
        raise WrongUsage(f"There is no file {path}. Name {SLIPYARD_YAML}, a compose file, or their directory.")
    is_compose = path.suffix in {".yaml", ".yml"} and path.name != SLIPYARD_YAML
    return _Directory(path.parent), path.name if is_compose else None


def _show(manifest: Manifest, services: Formation) -> None:
    for warning in manifest.warnings:
        print(f"Note: {warning}")
    rows = [
        (name, _image(each.image, each.build), _line(each.command), str(each.port or "-"), str(each.replicas or 1))
        for name, each in services.services.items()
    ]
    print_table(("SERVICE", "IMAGE", "COMMAND", "PORT", "REPLICAS"), rows)
    print(f"{' and '.join(manifest.files) or 'No file of Slipyard'}: nothing is wrong.")


def _image(image: str | None, build: str | None) -> str:
    return image or (f"built: {build}" if build else "the app's own")


def _line(command: Command | None) -> str:
    return "-" if command is None else command if isinstance(command, str) else " ".join(command)
