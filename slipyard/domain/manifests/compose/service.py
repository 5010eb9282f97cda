"""One service of a compose file becomes one service of the app."""

import difflib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from slipyard.domain.configuration import check_path
from slipyard.domain.dotenv_file import read_dotenv
from slipyard.domain.errors import UserError
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.manifests.compose.filled import Variables
from slipyard.domain.manifests.compose.keys import HARMLESS_TRUTHS, IGNORED, READ, REFUSED, SILENT
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.manifests.compose.values import duration, health_check, mount, pairs, port, resources, words
from slipyard.domain.naming import is_env_name
from slipyard.domain.resources import Resources
from slipyard.domain.service import Condition, Dependency, ServiceConfig
from slipyard.domain.volume import Mount

_LONGEST_GRACE = 3600.0
_CONDITIONS = {
    "service_started": Condition.STARTED,
    "service_healthy": Condition.HEALTHY,
    "service_completed_successfully": Condition.COMPLETED,
}
_DEPLOY_IGNORED = frozenset({
    "endpoint_mode", "labels", "mode", "placement", "restart_policy", "rollback_config", "update_config", "resources",
    "replicas",
})  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What a service may refer to. `file` gives the text of a file of the repository, None where there is none."""

    variables: Variables
    file: Callable[[str], str | None]
    directory: str = ""
    services: frozenset[str] = frozenset()
    volumes: set[str] = field(default_factory=set)
    secrets: dict[str, str] = field(default_factory=dict)


def check_keys(place: Place) -> None:
    """Refuses by name what an app may not ask for, and warns of what does not count."""
    for key, child in place.mapping():
        if key in REFUSED:
            if child.value not in (None, [], {}) and not (key in HARMLESS_TRUTHS and not child.truth()):
                raise child.refusal(f"{REFUSED[key]}.")
        elif key in IGNORED:
            child.warn(f"{IGNORED[key]}.")
        elif key not in READ | SILENT and not key.startswith("x-"):
            near = difflib.get_close_matches(key, [*READ, *IGNORED], n=1)
            raise child.refusal(f"is no key of a service{f'; did you mean {near[0]}?' if near else '.'}")


def service(place: Place, around: Surroundings) -> ServiceConfig:
    """Without its image: that is found once all services are known. `SourceRefused` with the line."""
    try:
        return _service(place, around)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise place.refusal(f"cannot be so: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def _service(place: Place, around: Surroundings) -> ServiceConfig:
    ports = _ports(place)
    deploy = place.get("deploy")
    grace, check = place.get("stop_grace_period"), place.get("healthcheck")
    return ServiceConfig(
        command=_words(place, "command"),
        entrypoint=_words(place, "entrypoint"),
        port=ports[0] if ports else None,
        replicas=_replicas(place, deploy),
        resources=_resources(place, deploy),
        health_check=None if check is None else health_check(check),
        depends_on=_dependencies(place, around),
        env=_environment(place, around) or None,
        secret_files=_secret_files(place, around) or None,
        mounts=_mounts(place, around) or None,
        stop_grace_seconds=None if grace is None else _grace(grace),
        aliases=_aliases(place) or None,
    )


def image(place: Place) -> str | None:
    """In its full form. None where it is built."""
    child = place.get("image")
    if place.get("build") is not None:
        return None
    if child is None:
        raise place.refusal("has neither an image nor a build. Give one of them.")
    try:
        return str(parse_image_reference(child.text()))
    except UserError as error:
        raise child.refusal(f"cannot be read: {error.message}") from error


def takes_requests(place: Place) -> bool:
    """Whether it has `ports`: what is only exposed is for other services."""
    child = place.get("ports")
    return child is not None and bool(child.value)


def _grace(place: Place) -> float:
    seconds = duration(place)
    if seconds > _LONGEST_GRACE:
        raise place.refusal("is an hour at most.")
    return seconds


def _ports(place: Place) -> list[int]:
    said = [child for key in ("ports", "expose") if (child := place.get(key)) is not None]
    found = [port(each) for child in said for each in child.sequence()]
    numbers = list(dict.fromkeys(number for number in found if number is not None))
    if len(numbers) > 1:
        place.warn(f"has several ports: requests and checks of health go to {numbers[0]}; services reach all of them.")
    return numbers


def _words(place: Place, key: str) -> tuple[str, ...] | None:
    child = place.get(key)
    return None if child is None else words(child)


def _replicas(place: Place, deploy: Place | None) -> int | None:
    said = deploy.get("replicas") if deploy is not None else None
    said = said or place.get("scale")
    return None if said is None else said.integer()


def _resources(place: Place, deploy: Place | None) -> Resources | None:
    cpus, memory = place.get("cpus"), place.get("mem_limit")
    if deploy is not None:
        _check_deploy(deploy)
        both = deploy.get("resources")
        limits = both.get("limits") if both is not None else None
        if limits is not None:
            cpus, memory = limits.get("cpus") or cpus, limits.get("memory") or memory
        if both is not None and (reserved := both.get("reservations")) is not None:
            reserved.warn("does not count: nothing is set aside.")
    return resources(cpus, memory)


def _check_deploy(deploy: Place) -> None:
    deploy.only(_DEPLOY_IGNORED)
    mode = deploy.get("mode")
    if mode is not None and mode.text() not in {"replicated", "replicated-job"}:
        raise mode.refusal("is replicated here: say how many with replicas.")
    for key, child in deploy.mapping():
        if key not in {"replicas", "resources", "mode"} and not key.startswith("x-"):
            child.warn("does not count: `slipyard apps rollout` says how a release takes over.")


def _dependencies(place: Place, around: Surroundings) -> tuple[Dependency, ...] | None:
    child = place.get("depends_on")
    if child is None:
        return None
    if isinstance(child.value, list):
        return tuple(_dependency(each, each.text(), Condition.STARTED, around) for each in child.sequence())
    return tuple(
        _dependency(each, name, _condition(each), around)
        for name, each in child.mapping()
        if name in around.services or _is_required(each)
    )


def _condition(place: Place) -> Condition:
    place.only({"condition", "restart", "required"})
    child = place.get("condition")
    if child is None:
        return Condition.STARTED
    if child.text() not in _CONDITIONS:
        raise child.refusal(f"is one of {', '.join(_CONDITIONS)}.")
    return _CONDITIONS[child.text()]


def _is_required(place: Place) -> bool:
    child = place.get("required")
    return child is None or child.truth()


def _dependency(place: Place, name: str, condition: Condition, around: Surroundings) -> Dependency:
    if name not in around.services:
        raise place.refusal(f"waits for {name[:60]!r}, and there is no such service.")
    return Dependency(service=name, condition=condition)


def _environment(place: Place, around: Surroundings) -> dict[str, str]:
    """Files first, then what stands here. A name without a value is the app's variable, which every service has."""
    found: dict[str, str] = {}
    for path, child in _env_files(place):
        found |= _env_file(child, path, around)
    said = place.get("environment")
    if said is not None:
        for name, value in pairs(said).items():
            if not is_env_name(name):
                raise said.refusal(f"has {name[:60]!r}, which is no name of a variable.")
            if value is not None:
                found[name] = value
    return found


def _env_files(place: Place) -> list[tuple[str, Place]]:
    child = place.get("env_file")
    if child is None:
        return []
    return [(_path_of(one), one) for one in (child.sequence() if isinstance(child.value, list) else iter([child]))]


def _path_of(place: Place) -> str:
    path: Place | None = place.get("path") if isinstance(place.value, dict) else place
    if path is None:
        raise place.refusal("has no path.")
    return path.text()


def _env_file(place: Place, path: str, around: Surroundings) -> dict[str, str]:
    """Its values are taken as they are: a `$` in them stays one."""
    text = around.file(posixpath.normpath(posixpath.join(around.directory, path)))
    if text is None:
        if isinstance(place.value, dict) and not _is_required(place):
            return {}
        raise place.refusal(
            f"names {path[:80]!r}, which is not in the repository. Import it with `slipyard env import`, and say"
            " `required: false` here."
        )
    try:
        return {name: value.replace("$", "$$") for name, value in read_dotenv(text).items()}
    except UserError as error:
        raise place.refusal(f"cannot be read: {error.message}") from error


def _secret_files(place: Place, around: Surroundings) -> dict[str, str]:
    """The app's secret, by the path where it lies."""
    child = place.get("secrets")
    found: dict[str, str] = {}
    for each in () if child is None else child.sequence():
        is_long = isinstance(each.value, dict)
        source: Place | None = each.get("source") if is_long else each
        target: Place | None = each.get("target") if is_long else source
        name = "" if source is None else source.text()
        if name not in around.secrets:
            raise each.refusal(f"names the secret {name[:60]!r}, which `secrets` at the end of the file does not name.")
        path = posixpath.join("/run/secrets", name if target is None else target.text())
        try:
            found[check_path(path)] = around.secrets[name]
        except UserError as error:
            raise each.refusal(f"cannot lie there: {error.message}") from error
    return found


def _mounts(place: Place, around: Surroundings) -> tuple[Mount, ...]:
    child = place.get("volumes")
    found = [] if child is None else [mount(each, around.volumes) for each in child.sequence()]
    return tuple(each for each in found if each is not None)


def _aliases(place: Place) -> tuple[str, ...]:
    child = place.get("networks")
    if child is None or isinstance(child.value, list):
        return ()
    networks = [each for _, each in child.mapping() if isinstance(each.value, dict)]
    named = [aliases for each in networks if (aliases := each.get("aliases")) is not None]
    return tuple(dict.fromkeys(alias.text() for aliases in named for alias in aliases.sequence()))
