"""What Caddy reads beside its configuration: which names may have certificates, and certificates that their owners brought."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from slipyard.deployer.router import OwnCertificate

_WILDCARD_FILE = "_."  # a star in a file's name would be a pattern
_OWNER_ONLY = 0o600


def name_file(host: str) -> str:
    return host.replace("*.", _WILDCARD_FILE, 1)


class NameFiles:
    """Blocking. One empty file for each name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, hosts: Iterable[str]) -> None:
        """Before a host answers, so that its first visitor finds it."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in set(map(name_file, hosts)) - self._there():
            (self._directory / name).touch()

    def keep(self, hosts: Iterable[str]) -> None:
        """Takes away all others."""
        for name in self._there() - set(map(name_file, hosts)):
            (self._directory / name).unlink(missing_ok=True)

    def _there(self) -> set[str]:
        return {path.name for path in self._directory.iterdir()}


class CertificateFiles:
    """Blocking. Caddy reads files, so a key lies here as it is, for its owner alone, as the keys that Caddy makes itself do."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(self, certificates: Sequence[OwnCertificate]) -> list[str]:
        """For each `<name> <host>`. The name follows from what it is: another certificate is another file."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return sorted({f"{self._write(certificate)} {certificate.host}" for certificate in certificates})

    def keep(self, written: Iterable[str]) -> None:
        wanted = {each.partition(" ")[0] for each in written}
        for path in self._directory.iterdir():
            if path.stem not in wanted:
                path.unlink(missing_ok=True)

    def _write(self, certificate: OwnCertificate) -> str:
        name = hashlib.sha256(f"{certificate.chain}\n{certificate.key}".encode()).hexdigest()[:32]
        for suffix, text in (("crt", certificate.chain), ("key", certificate.key)):
            self._create(self._directory / f"{name}.{suffix}", text)
        return name

    def _create(self, path: Path, text: str) -> None:
        """By a rename: after a power cut a file is whole or not there."""
        if path.exists() and path.read_text() == text:
            return
        draft = path.with_name(f".{path.name}")
        draft.unlink(missing_ok=True)
        draft.touch(mode=_OWNER_ONLY)
        draft.write_text(text)
        draft.replace(path)
