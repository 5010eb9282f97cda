"""Heroku's `app.json`, as Dokku reads it too: variables, checks of health, how many of each process, cron, scripts.

What an add-on, a buildpack or a size of Heroku's would be does not exist here, and is said so. A key that nobody knows
is not refused: the file is written for others as well.
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipyard.domain.errors import SourceRefused
from slipyard.domain.health import HealthCheck, HealthType
from slipyard.domain.manifest import CronLine, Manifest
from slipyard.domain.manifests.slipyard_yaml import cron_name
from slipyard.domain.manifests.yaml_document import MOST_BYTES
from slipyard.domain.naming import is_env_name
from slipyard.domain.release import AFTER_DEPLOY, BEFORE_DEPLOY
from slipyard.domain.service import ServiceConfig

APP_JSON = "app.json"
_SECRET = "secret"  # noqa: S105 - a word of the file
_ELSEWHERE = ("addons", "buildpacks", "stack", "image", "environments")
_LONGEST_START = 3600.0
_USUAL_START = 60.0


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Variable(_Part):
    value: str | None = None
    generator: str | None = None
    required: bool = True


class _Formation(_Part):
    quantity: int | None = Field(None, ge=0, le=100)
    size: str | None = None


class _Header(_Part):
    name: str
    value: str


class _Check(_Part):
    """Seconds, as Dokku's."""

    type: str = "startup"
    path: str | None = None
    command: list[str] | None = None
    listening: bool | None = None
    uptime: int | None = None
    attempts: int = Field(3, ge=1, le=100)
    timeout: float = Field(5.0, gt=0, le=300)
    wait: float = Field(5.0, gt=0, le=300)
    initial_delay: float = Field(0.0, ge=0, le=3600, alias="initialDelay")
    headers: list[_Header] = Field(default_factory=list, alias="httpHeaders")


class _Cron(_Part):
    command: str
    schedule: str


class _Dokku(_Part):
    predeploy: str | None = None
    postdeploy: str | None = None


class _Scripts(_Part):
    dokku: _Dokku = _Dokku()
    postdeploy: str | None = None


class _AppJson(_Part):
    env: dict[str, str | _Variable] = Field(default_factory=dict)
    formation: dict[str, _Formation] = Field(default_factory=dict)
    healthchecks: dict[str, list[_Check]] = Field(default_factory=dict)
    cron: list[_Cron] = Field(default_factory=list)
    scripts: _Scripts = _Scripts()


def read_app_json(text: str) -> Manifest:
    """`SourceRefused` where it is no JSON, or says something that cannot be meant."""
    given = _loaded(text)
    try:
        return _manifest(given, _AppJson.model_validate(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SourceRefused(f"{APP_JSON}: {place}: {first['msg']}. Correct it, or take it out.") from error


def _manifest(given: dict[str, Any], said: _AppJson) -> Manifest:
    env, generated, required = _variables(said.env)
    services, warnings = _services(said)
    return Manifest(
        files=(APP_JSON,),
        services=services,
        commands=_commands(said.scripts),
        env=env,
        generated=generated,
        required=required,
        cron=_cron(said.cron),
        warnings=(*_elsewhere(given, said), *warnings),
    )


def _loaded(text: str) -> dict[str, Any]:
    if len(text.encode()) > MOST_BYTES:
        raise SourceRefused(f"{APP_JSON} has more than {MOST_BYTES // 1024} KiB. Write what the app is in less.")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceRefused(f"{APP_JSON} is no JSON: {str(error)[:200]}. Correct it, or take the file out.") from error
    if not isinstance(given, dict):
        raise SourceRefused(f"{APP_JSON} is not an object. Begin it with {{.")
    return given


def _variables(said: dict[str, str | _Variable]) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Values, names of secrets to make up, and names without which nothing is deployed."""
    env: dict[str, str] = {}
    generated, required = list[str](), list[str]()
    for name, each in said.items():
        if not is_env_name(name):
            raise SourceRefused(f"{APP_JSON}: env has {name[:60]!r}, which is no name of a variable. Correct it.")
        variable = _Variable(value=each) if isinstance(each, str) else each
        if variable.value is not None:
            env[name] = variable.value
        elif variable.generator == _SECRET:
            generated.append(name)
        elif variable.required:
            required.append(name)
    return env, tuple(generated), tuple(required)


def _services(said: _AppJson) -> tuple[dict[str, ServiceConfig], list[str]]:
    found: dict[str, ServiceConfig] = {}
    warnings: list[str] = []
    for name in dict.fromkeys([*said.formation, *said.healthchecks]):
        formation = said.formation.get(name, _Formation())
        if formation.size is not None:
            warnings.append(
                f"{APP_JSON}: the size of {name} does not count: `resources` in slipyard.yaml gives it more or less."
            )
        check = _health(said.healthchecks.get(name, []), name, warnings)
        if formation.quantity is not None or check is not None:
            found[name] = ServiceConfig(replicas=formation.quantity, health_check=check)
    return found, warnings


def _health(checks: list[_Check], name: str, warnings: list[str]) -> HealthCheck | None:
    """One of them: that at the start, else the first. Dokku gives each attempt its timeout and the wait after it."""
    ordered = sorted(checks, key=lambda each: each.type != "startup")
    usable = [each for each in ordered if each.path or each.command or each.listening]
    if len(checks) > len(usable[:1]):
        warnings.append(f"{APP_JSON}: one check of {name} counts: the first with a path, a command or listening.")
    if not usable:
        return None
    check = usable[0]
    seconds = check.initial_delay + check.attempts * (check.timeout + check.wait)
    return HealthCheck(
        type=None if check.path or check.command else HealthType.TCP,
        path=_path(check.path),
        command=tuple(check.command) if check.command and not check.path else None,
        headers={each.name: each.value for each in check.headers} if check.path else {},
        timeout=check.timeout,
        retries=check.attempts,
        start_period=min(max(seconds, _USUAL_START), _LONGEST_START),
    )


def _path(path: str | None) -> str | None:
    return path if path is None or path.startswith("/") else f"/{path}"


def _commands(scripts: _Scripts) -> dict[str, Any]:
    said = {BEFORE_DEPLOY: scripts.dokku.predeploy, AFTER_DEPLOY: scripts.dokku.postdeploy}
    return {moment: line for moment, line in said.items() if line}


def _cron(lines: list[_Cron]) -> tuple[CronLine, ...]:
    named = {cron_name(line.schedule, line.command): line for line in lines}
    return tuple(CronLine(name=name, schedule=each.schedule, command=each.command) for name, each in named.items())


def _elsewhere(given: dict[str, Any], said: _AppJson) -> list[str]:
    found = [f"{APP_JSON}: {key} does not count: there are none here." for key in _ELSEWHERE if given.get(key)]
    if said.scripts.postdeploy:
        found.append(
            f"{APP_JSON}: scripts.postdeploy, which Heroku runs once for a new app, is not run. `slipyard run` runs it, "
            "and scripts.dokku.postdeploy is run after each deployment."
        )
    return found
