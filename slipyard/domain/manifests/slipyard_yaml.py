"""`slipyard.yaml`: read strictly, every refusal with its line."""

import hashlib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from slipyard.domain.errors import FieldProblem, SourceRefused
from slipyard.domain.health import HealthCheck
from slipyard.domain.manifest import CronLine, ImagePlan, Manifest, VolumePlan
from slipyard.domain.manifests.sections import BuildSection, CronSection, ManifestSection, ServiceSection
from slipyard.domain.manifests.yaml_document import Document, Path, read_yaml
from slipyard.domain.release import AFTER_DEPLOY, BEFORE_DEPLOY, RELEASE_COMMAND, WEB
from slipyard.domain.service import Dependency, ServiceConfig

SLIPYARD_YAML = "slipyard.yaml"
_AS_WRITTEN = ("env", "args")  # mappings whose numbers are texts
Kind = TypeVar("Kind", bound=BaseModel)


def read_slipyard_yaml(text: str, file: str = SLIPYARD_YAML) -> tuple[Manifest, str | None]:
    """And the path of the compose file that it asks for. `SourceRefused` with the line for what it may not say."""
    document = read_yaml(file, text)
    section = validated(ManifestSection, document, document.value or {}, ())
    return manifest_of(section, file), section.compose


def json_schema() -> dict[str, Any]:
    """For editors: what `read_slipyard_yaml` takes."""
    schema = ManifestSection.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": SLIPYARD_YAML}


def validated(kind: type[Kind], document: Document, value: Any, path: Path) -> Kind:
    """A section of the file, which stands at `path`."""
    if not isinstance(value, dict):
        raise document.refusal(path, "this is no mapping. Write keys and values, such as `port: 8080`.")
    try:
        return kind.model_validate(_as_written(document, value, path))
    except ValidationError as error:
        raise _refusal(document, path, error.errors(include_url=False, include_input=False)) from error


def _as_written(document: Document, value: Any, path: Path) -> Any:
    if isinstance(value, list):
        return [_as_written(document, each, (*path, place)) for place, each in enumerate(value)]
    if not isinstance(value, dict):
        keeps = len(path) > 1 and path[-2] in _AS_WRITTEN and isinstance(value, (int, float))
        return document.text(path, value) if keeps else value
    return {key: _as_written(document, each, (*path, key)) for key, each in value.items()}


def _refusal(document: Document, start: Path, errors: list[ErrorDetails]) -> SourceRefused:
    told = [_told(document, start, error) for error in errors]
    problems = [FieldProblem(where or document.file, f"line {line}: {sentence}") for line, where, sentence in told]
    more = f" {len(told) - 1} more: `slipyard config validate` lists them." if len(told) > 1 else ""
    line, where, sentence = told[0]
    place = f"{where}: " if where else ""
    return SourceRefused(
        f"{document.file} line {line}: {place}{sentence}{'' if sentence.endswith('?') else '.'}{more}", details=problems
    )


def _told(document: Document, start: Path, error: ErrorDetails) -> tuple[int, str, str]:
    """The line, where in the file, what is wrong. What pydantic adds to name a variant is no part of the place."""
    path: Path = (*start, *error["loc"])
    key = error.get("ctx", {}).get("key")
    if key is not None and (*path, key) in document.lines:
        return document.line((*path, key)), ".".join(map(str, path)), error["msg"]
    shown = path
    while shown and shown not in document.lines:
        shown = shown[:-1]
    missing = error["type"] == "missing" and shown != path
    sentence = f"{path[-1]} is missing here" if missing else error["msg"].removeprefix("Value error, ")
    return document.line(path), ".".join(map(str, shown)), sentence[:1].lower() + sentence[1:]


def manifest_of(section: ManifestSection, file: str) -> Manifest:
    services = {name: service_of(name, each or ServiceSection()) for name, each in section.services.items()}
    web = _web(section)
    if web is not None:
        services[WEB] = services[WEB].over(web) if WEB in services else web
    own_builds = {name: each.build for name, each in section.services.items() if each and each.build and name != WEB}
    web_section = section.services.get(WEB)
    build = section.build or (web_section.build if web_section is not None else None)
    return Manifest(
        files=(file,) if file else (),
        build=None if build is None else _image(build),
        builds={name: _image(each) for name, each in own_builds.items()},
        services=services,
        commands=_commands(section),
        env=section.env,
        volumes={name: VolumePlan(size=each.size if each else None) for name, each in section.volumes.items()},
        cron=tuple(_cron(each) for each in section.cron),
        watch_paths=tuple(section.watch_paths),
    )


def _web(section: ManifestSection) -> ServiceConfig | None:
    """What stands at the top is about the service that requests go to."""
    said: dict[str, Any] = {
        "command": section.command,
        "port": section.port,
        "replicas": section.replicas,
        "resources": section.resources,
        "health_check": _health(section.health_check),
    }
    told = {name: value for name, value in said.items() if value is not None}
    return ServiceConfig.model_validate(told) if told else None


def service_of(name: str, section: ServiceSection) -> ServiceConfig:
    depends_on = section.depends_on
    return ServiceConfig(
        image=section.image,
        build=name if section.build is not None and name != WEB else None,
        command=section.command,
        entrypoint=section.entrypoint,
        port=section.port,
        public=section.public,
        replicas=section.replicas,
        resources=section.resources,
        health_check=_health(section.health_check),
        depends_on=None if depends_on is None else _dependencies(section),
        env=section.env,
        secret_files=section.secret_files,
        mounts=section.volumes,
        stop_grace_seconds=section.stop_grace_period,
        one_shot=section.one_shot,
        aliases=None if section.aliases is None else tuple(section.aliases),
    )


def _dependencies(section: ServiceSection) -> tuple[Dependency, ...]:
    return tuple(Dependency(service=name, condition=each) for name, each in (section.depends_on or {}).items())


def _health(section: HealthCheck | None) -> HealthCheck | None:
    return None if section is None else HealthCheck(**section.model_dump(exclude_unset=True))


def _image(section: BuildSection) -> ImagePlan:
    return ImagePlan(
        context=section.context,
        dockerfile=section.dockerfile,
        target=section.target,
        args=section.args,
        command=section.command,
        secrets=tuple(section.secrets),
    )


def _commands(section: ManifestSection) -> dict[str, Any]:
    said = {
        BEFORE_DEPLOY: section.before_deploy,
        RELEASE_COMMAND: section.release_command,
        AFTER_DEPLOY: section.after_deploy,
    }
    return {moment: command for moment, command in said.items() if command is not None}


def _cron(section: CronSection) -> CronLine:
    name = section.name or cron_name(section.schedule, section.command)
    return CronLine(
        name=name,
        schedule=section.schedule,
        command=section.command,
        time_zone=section.time_zone,
        service=section.service,
    )


def cron_name(schedule: str, command: str | tuple[str, ...]) -> str:
    """The same as long as it does the same, so that its history stays with it."""
    text = command if isinstance(command, str) else "\0".join(command)
    digest = hashlib.sha256(f"{schedule}\n{text}".encode()).hexdigest()
    return f"cron-{digest[:8]}"
