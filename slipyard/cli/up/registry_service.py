"""The embedded registry: on loopback, behind a password that only this installation knows."""

import http.client
import os
import secrets
import shutil
from pathlib import Path

import bcrypt
from ruamel.yaml import YAML

from slipyard.cli.up.service import Service
from slipyard.domain.errors import Unavailable
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

USERNAME = "slipyard"


def registry_service(settings: Settings, layout: Layout) -> Service | None:
    """None where images go to a registry elsewhere."""
    if settings.registry_url is not None:
        return None
    directory = layout.home / "registry"
    directory.mkdir(mode=0o700, exist_ok=True)
    htpasswd = _sign_in(directory, registry_password(layout))
    configuration = _write_configuration(directory, htpasswd, settings.registry_port)
    command = [_program(), "serve", str(configuration)]
    return Service(
        "registry",
        command,
        layout,
        answers=lambda: _answers(settings.registry_port),
        configuration=configuration.read_text() + htpasswd.read_text(),
        environment={"OTEL_TRACES_EXPORTER": "none", "GOGC": "25"},  # it may collect more often: nobody waits for it
    )


def registry_password(layout: Layout) -> str:
    """Made once, readable by us alone."""
    path = layout.registry_password
    if not path.exists():
        descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        path.with_suffix(".new").replace(path)
    return path.read_text().strip()


def _sign_in(directory: Path, password: str) -> Path:
    """The htpasswd file; kept while it fits the password, so that the registry can be adopted."""
    path = directory / "htpasswd"
    if not path.exists() or not _fits(path.read_text(), password):
        path.write_text(f"{USERNAME}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
        path.chmod(0o600)
    return path


def _fits(line: str, password: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode(), line.strip().partition(":")[2].encode())
    except ValueError:
        return False


def _write_configuration(directory: Path, htpasswd: Path, port: int) -> Path:
    """Fields are those of the configuration reference of distribution 2.8, which 3.x reads too."""
    path = directory / "config.yml"
    content = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(directory / "data")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "24h", "dryrun": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}", "secret": _upload_secret(path)},
        "auth": {"htpasswd": {"realm": "slipyard", "path": str(htpasswd)}},
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        YAML(typ="safe").dump(content, file)
    return path


def _upload_secret(path: Path) -> str:
    """Signs the state of uploads: the same over restarts, or a push under way would fail."""
    if path.exists():
        kept = YAML(typ="safe").load(path.read_text())
        if isinstance(kept, dict):
            return str(kept["http"]["secret"])
    return secrets.token_hex(32)


def _program() -> str:
    found = shutil.which("docker-registry") or shutil.which("registry")
    if found is None:
        raise Unavailable(
            "No registry program is on PATH: neither docker-registry nor registry. Install one of them, or set"
            " SLIPYARD_REGISTRY_URL to a registry of yours."
        )
    return found


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in {http.client.OK, http.client.UNAUTHORIZED}
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
