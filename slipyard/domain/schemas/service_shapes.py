"""Shapes of the services of an app."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from slipyard.domain.health import Command, HealthCheck
from slipyard.domain.resources import Resources
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing
from slipyard.domain.service import MOST_REPLICAS, Dependency, ServiceConfig, ServiceName, VariableName
from slipyard.domain.volume import Mount


class ServiceChanges(Incoming):
    """What a service is told; null forgets what it was told. Variables and secret files are merged, and null removes one."""

    other_names: ClassVar[Mapping[str, str]] = {"env_vars": "env", "instances": "replicas", "quantity": "replicas"}

    image: str | None = Field(None, max_length=500, examples=["redis:7"])
    build: str | None = Field(None, max_length=100)
    command: Command | None = None
    entrypoint: Command | None = None
    port: int | None = Field(None, ge=1, le=65535)
    public: bool | None = None
    replicas: int | None = Field(None, ge=0, le=MOST_REPLICAS)
    resources: Resources | None = None
    health_check: HealthCheck | None = None
    depends_on: tuple[Dependency, ...] | None = Field(None, max_length=50)
    env: dict[VariableName, str | None] | None = Field(None, repr=False)
    secret_files: dict[str, str | None] | None = None
    mounts: tuple[Mount, ...] | None = Field(None, max_length=50)
    stop_grace_seconds: float | None = Field(None, ge=0, le=3600)
    one_shot: bool | None = None
    aliases: tuple[ServiceName, ...] | None = Field(None, max_length=20)
    stopped: bool | None = None

    def applied(self, before: ServiceConfig) -> ServiceConfig:
        given: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set & set(ServiceConfig.model_fields)
        }
        for name in ("env", "secret_files"):
            if given.get(name) is not None:
                joined = {**(getattr(before, name) or {}), **given[name]}
                given[name] = {key: value for key, value in joined.items() if value is not None}
        return before.model_copy(update=given)


class NewService(ServiceChanges):
    name: ServiceName


class Scale(Incoming):
    """How many of each, by service."""

    replicas: dict[ServiceName, int] = Field(min_length=1, max_length=50, examples=[{"web": 2, "worker": 3}])


class ServiceView(Outgoing):
    name: str
    image: str | None = Field(description="With its digest where it has one of its own; else the app's image")
    command: list[str] | None
    entrypoint: list[str] | None
    port: int | None
    public: bool = Field(description="Requests from outside go to it")
    replicas: int
    running: int
    resources: Resources
    env_vars: list[str] = Field(description="Names of the variables that are its own")
    depends_on: list[Dependency]
    mounts: list[Mount]
    aliases: list[str]
    one_shot: bool
    status: str = Field(description="running, starting, degraded, stopped, once (it runs once in each deployment)")


class ServiceList(Outgoing):
    services: list[ServiceView]


class ServicesChangedView(Outgoing):
    app_id: str
    message: str = Field(description="What starts anew, and what runs on")
    deployment_id: str | None = None
    release_id: str | None = None
