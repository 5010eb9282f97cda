"""Where an installation keeps its things: one place that knows the names under `SLIPYARD_HOME`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    home: Path

    @property
    def database(self) -> Path:
        return self.home / "slipyard.db"

    @property
    def admin_token(self) -> Path:
        return self.home / "admin.token"

    @property
    def secret_key(self) -> Path:
        return self.home / "secret.key"

    @property
    def registry_password(self) -> Path:
        """Of the embedded registry; its user is `slipyard`."""
        return self.home / "registry.password"

    @property
    def known_hosts(self) -> Path:
        """ssh keys of git hosts as they were first seen."""
        return self.home / "known_hosts"

    @property
    def installation(self) -> Path:
        """JSON: id, version. Written once."""
        return self.home / "installation.json"

    @property
    def run(self) -> Path:
        """Sockets and pid files, mode 0700."""
        return self.home / "run"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"

    @property
    def caddy_socket(self) -> Path:
        return self.run / "caddy.sock"

    @property
    def routes(self) -> Path:
        return self.home / "routes"

    @property
    def waker_socket(self) -> Path:
        return self.routes / "waker.sock"

    @property
    def repositories(self) -> Path:
        return self.home / "repositories"

    @property
    def snapshots(self) -> Path:
        return self.home / "snapshots"

    def snapshot(self, digest: str) -> Path:
        return self.snapshots / f"{digest.removeprefix('sha256:')}.tar"

    @property
    def contexts(self) -> Path:
        """What of a snapshot goes to the builder; made again where it is missing."""
        return self.home / "contexts"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def repository(self, app_id: str) -> Path:
        """The bare mirror of a git app, or its own remote: the same thing."""
        return self.repositories / f"{app_id}.git"

    @property
    def metrics(self) -> Path:
        """What was measured, by app."""
        return self.home / "metrics"

    @property
    def kept_output(self) -> Path:
        """The last words of instances that are gone, by app."""
        return self.logs / "apps"

    @property
    def schedule_output(self) -> Path:
        """What runs of schedules wrote, by schedule."""
        return self.logs / "schedules"

    @property
    def drains(self) -> Path:
        """How far each log drain is."""
        return self.home / "drains"

    @property
    def backups(self) -> Path:
        """Of volumes, where no other place was named."""
        return self.home / "backups"

    def build_log(self, build_id: str) -> Path:
        return self.logs / "builds" / f"{build_id}.log"

    def deployment_log(self, deployment_id: str) -> Path:
        return self.logs / "deployments" / f"{deployment_id}.log"
