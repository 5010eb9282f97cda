"""The parts of `slipyard.yaml`, in the short forms that people write: the JSON schema for editors is made of these."""

import difflib
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from slipyard.domain.cron import CronText, ZoneName
from slipyard.domain.duration import seconds_in
from slipyard.domain.health import Command, HealthCheck
from slipyard.domain.manifest import VariableName, VolumeName
from slipyard.domain.manifests.compose.amounts import size
from slipyard.domain.resources import Resources
from slipyard.domain.service import MOST_REPLICAS, Condition, ServiceName
from slipyard.domain.volume import Mount

UNKNOWN = "unknown_key"
_KNOWN_SHOWN = 12


class Section(BaseModel):
    """A mapping of the file. An unknown key is refused, with the one that was probably meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for key in given:
                if key not in cls.model_fields:
                    raise PydanticCustomError(UNKNOWN, "{sentence}", {"key": key, "sentence": _unknown(cls, key)})
        return given


def _unknown(section: type[Section], key: str) -> str:
    names = [name for name in section.model_fields if not name.startswith("x-")]
    near = difflib.get_close_matches(key, names, n=1)
    if near:
        return f"there is no {key[:60]!r} here; did you mean {near[0]}?"
    return f"there is no {key[:60]!r} here; there are {', '.join(names[:_KNOWN_SHOWN])}"


def _seconds(given: Any) -> Any:
    return seconds_in(given) if isinstance(given, str) else given


def _build(given: Any) -> Any:
    return {"context": given} if isinstance(given, str) else given


def _mounts(given: Any) -> Any:
    return [_mount(each) for each in given] if isinstance(given, list) else given


def _mount(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    volume, _, rest = given.partition(":")
    path, _, mode = rest.partition(":")
    if not path or mode not in {"", "ro", "rw"}:
        raise ValueError(
            f"{given[:100]!r} is no volume and path: write it as data:/var/lib/data, or with :ro behind it"
        )
    return {"volume": volume, "path": path, "read_only": mode == "ro"}


def _dependencies(given: Any) -> Any:
    """A list of names, or conditions by name."""
    return dict.fromkeys(given, Condition.HEALTHY) if isinstance(given, list) else given


def _bytes(given: Any) -> Any:
    return size(given.removesuffix("i").removesuffix("iB")) if isinstance(given, str) else given


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str)]
Conditions = Annotated[
    dict[ServiceName, Condition],
    BeforeValidator(_dependencies, json_schema_input_type=dict[ServiceName, Condition] | list[ServiceName]),
]
Mounts = Annotated[tuple[Mount, ...], BeforeValidator(_mounts, json_schema_input_type=list[str | Mount])]
Bytes = Annotated[int, BeforeValidator(_bytes, json_schema_input_type=int | str), Field(gt=0)]
Texts = Annotated[dict[VariableName, str], Field(max_length=500)]


class HealthSection(HealthCheck):
    interval: Annotated[Seconds, Field(gt=0, le=300)] = 10.0
    timeout: Annotated[Seconds, Field(gt=0, le=300)] = 5.0
    start_period: Annotated[Seconds, Field(gt=0, le=3600)] = 60.0


class BuildSection(Section):
    """How an image is made of the source. A text is its directory."""

    context: str | None = Field(None, max_length=1000, description="Directory that the build sees", examples=["worker"])
    dockerfile: str | None = Field(None, max_length=1000, description="Path from the context; default Dockerfile")
    target: str | None = Field(None, max_length=255, description="Stage of the Dockerfile")
    args: Texts = Field(default_factory=dict, description="Build arguments, never secrets: they stay in the image")
    command: str | None = Field(None, max_length=4096, description="Run in the build where there is no Dockerfile")
    secrets: list[VariableName] = Field(default_factory=list, description="Variables that the build may mount")


Build = Annotated[BuildSection, BeforeValidator(_build, json_schema_input_type=str | BuildSection)]


class ServiceSection(Section):
    """A process of the app: of its own image, of another one that is built here, or of one from a registry."""

    image: str | None = Field(None, max_length=500, examples=["redis:7"])
    build: Build | None = None
    command: Command | None = Field(None, description="A line for a shell, or a program and its arguments")
    entrypoint: Command | None = None
    port: int | None = Field(None, ge=1, le=65535)
    public: bool | None = Field(None, description="Requests from outside go to it; default: the one called web")
    replicas: int | None = Field(None, ge=0, le=MOST_REPLICAS)
    resources: Resources | None = None
    health_check: HealthSection | None = None
    depends_on: Conditions | None = Field(None, description="Names, or what must be true of each")
    env: Texts | None = Field(None, description="Of this service; wins over the app's variables")
    secret_files: dict[str, VariableName] | None = Field(None, description="The name of a secret, by path")
    volumes: Mounts | None = Field(None, examples=[["data:/var/lib/data"]])
    stop_grace_period: Annotated[Seconds, Field(ge=0, le=3600)] | None = None
    one_shot: bool | None = Field(None, description="Runs to its end once in each deployment")
    aliases: list[ServiceName] | None = None


class VolumeSection(Section):
    size: Bytes | None = Field(None, description="Where the machine can limit it", examples=["5g"])


class CronSection(Section):
    name: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    schedule: CronText
    command: Command
    time_zone: ZoneName | None = None
    service: ServiceName | None = Field(None, description="Whose image, variables and volumes; default web")


class ManifestSection(Section):
    """What an app is, said in its own repository. What the app is told over API or command line wins."""

    name: str | None = Field(None, max_length=63, description="The app that commands in this directory are about")
    compose: str | None = Field(None, max_length=1000, description="A compose file beside this one says the services")
    build: Build | None = None
    command: Command | None = Field(None, description="Of the service web, as the three below")
    port: int | None = Field(None, ge=1, le=65535)
    replicas: int | None = Field(None, ge=0, le=MOST_REPLICAS)
    resources: Resources | None = None
    health_check: HealthSection | None = None
    before_deploy: Command | None = Field(None, description="Runs once before each deployment")
    release_command: Command | None = Field(None, description="Runs once in each new image before it starts")
    after_deploy: Command | None = Field(None, description="Runs once when all requests go to the new release")
    env: Texts = Field(default_factory=dict, description="Variables that the app was not told otherwise; no secrets")
    services: Annotated[dict[ServiceName, ServiceSection | None], Field(max_length=50)] = Field(default_factory=dict)
    volumes: Annotated[dict[VolumeName, VolumeSection | None], Field(max_length=50)] = Field(default_factory=dict)
    cron: Annotated[list[CronSection], Field(max_length=50)] = Field(default_factory=list)
    watch_paths: Annotated[list[str], Field(max_length=100)] = Field(
        default_factory=list, description="A push that changes nothing of them deploys nothing", examples=[["api/**"]]
    )
