"""One service of a compose file becomes one service of the app."""

import difflib

from pydantic import ValidationError

from slipyard.domain.errors import UserError
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.manifests.compose.environment import environment, secret_files
from slipyard.domain.manifests.compose.keys import HARMLESS_TRUTHS, IGNORED, READ, REFUSED, SILENT
from slipyard.domain.manifests.compose.place import Place
from slipyard.domain.manifests.compose.surroundings import Surroundings, is_required
from slipyard.domain.manifests.compose.values import duration, health_check, mount, port, resources, words
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
        env=environment(place, around) or None,
        secret_files=secret_files(place, around) or None,
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
        if name in around.services or is_required(each)
    )


def _condition(place: Place) -> Condition:
    place.only({"condition", "restart", "required"})
    child = place.get("condition")
    if child is None:
        return Condition.STARTED
    if child.text() not in _CONDITIONS:
        raise child.refusal(f"is one of {', '.join(_CONDITIONS)}.")
    return _CONDITIONS[child.text()]


def _dependency(place: Place, name: str, condition: Condition, around: Surroundings) -> Dependency:
    if name not in around.services:
        raise place.refusal(f"waits for {name[:60]!r}, and there is no such service.")
    return Dependency(service=name, condition=condition)


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
