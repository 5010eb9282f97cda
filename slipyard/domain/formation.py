"""Which services an app has: what it was told, over what its repository says, over the lines of its Procfile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.manifest import Manifest
from slipyard.domain.release import AFTER_DEPLOY, BEFORE_DEPLOY, RELEASE_COMMAND, WEB
from slipyard.domain.service import Condition, ServiceConfig

MOMENTS = (BEFORE_DEPLOY, RELEASE_COMMAND, AFTER_DEPLOY)


@dataclass(frozen=True)
class Formation:
    """`main` is the service that requests from outside go to, and the first of `services`."""

    main: str
    services: Mapping[str, ServiceConfig]
    told: Mapping[str, ServiceConfig]
    manifest: Manifest

    def own_env(self, service: str, variables: Mapping[str, str]) -> dict[str, str]:
        """What is given to this service alone; `variables` are those of the app."""
        told = self.told.get(service) or ServiceConfig()
        return {**self.manifest.env_of(service, variables), **(told.env or {})}


def formation(config: AppConfig, manifest: Manifest, processes: Mapping[str, str]) -> Formation:
    """`ValidationFailed` where services depend on each other in a circle, or on one that is not there."""
    told = config.services
    lines = {} if manifest.complete else {name: line for name, line in processes.items() if name not in MOMENTS}
    merged = {name: _merged(name, told, manifest, lines) for name in sorted({*told, *manifest.services, *lines})}
    main = next((name for name, service in merged.items() if service.public), WEB)
    first = {main: merged.get(main, ServiceConfig())}
    services = _with_one_shots({**first, **{name: service for name, service in merged.items() if name != main}})
    if WEB not in merged and manifest.complete and main == WEB:
        del services[WEB]
    check_dependencies(services)
    return Formation(main, services, told, manifest)


def check_dependencies(services: Mapping[str, ServiceConfig]) -> None:
    for moment in MOMENTS:
        if moment in services:
            raise ValidationFailed(
                f"{moment} is a command that runs once, and no service can be called so. Choose another name.",
                details=[FieldProblem(f"services.{moment}", "reserved")],
            )
    start_order(services)
    for name, service in services.items():
        for each in service.depends_on or ():
            one_shot = bool(services[each.service].one_shot)
            if (each.condition is Condition.COMPLETED) != one_shot and each.condition is not Condition.STARTED:
                raise _bad(name, _mismatch(name, each.service, one_shot=one_shot))


def start_order(services: Mapping[str, ServiceConfig]) -> list[list[str]]:
    """Those of one list depend only on those of the lists before it."""
    wanted = {name: {each.service for each in service.depends_on or ()} for name, service in services.items()}
    for name, others in wanted.items():
        if missing := sorted(others - services.keys()):
            raise _bad(name, f"The service {name} depends on {missing[0]}, and there is no such service.")
    return waves(wanted)


def waves(wanted: Mapping[str, Iterable[str]]) -> list[list[str]]:
    left, done, found = {name: set(others) for name, others in wanted.items()}, set[str](), list[list[str]]()
    while left:
        free = [name for name, others in left.items() if others <= done]
        if not free:
            circle = ", ".join(sorted(left))
            raise _bad(min(left), f"These services wait for each other, so none could start: {circle}.")
        found.append(free)
        done.update(free)
        left = {name: others for name, others in left.items() if name not in done}
    return found


def _merged(
    name: str, told: Mapping[str, ServiceConfig], manifest: Manifest, lines: Mapping[str, str]
) -> ServiceConfig:
    line = ServiceConfig(command=lines[name]) if name in lines else ServiceConfig()
    said = manifest.services[name].over(line) if name in manifest.services else line
    return told[name].over(said) if name in told else said


def _with_one_shots(services: Mapping[str, ServiceConfig]) -> dict[str, ServiceConfig]:
    """Whatever another one waits for to complete runs once, unless somebody said that it goes on running."""
    completing = {
        each.service
        for service in services.values()
        for each in service.depends_on or ()
        if each.condition is Condition.COMPLETED
    }
    return {
        name: service.model_copy(update={"one_shot": True})
        if name in completing and service.one_shot is None
        else service
        for name, service in services.items()
    }


def _mismatch(name: str, other: str, *, one_shot: bool) -> str:
    if one_shot:
        return f"{name} waits until {other} is healthy, but {other} runs once: wait until it has completed."
    return f"{name} waits until {other} has completed, but {other} goes on running: say that it is one_shot."


def _bad(service: str, sentence: str) -> ValidationFailed:
    return ValidationFailed(sentence, details=[FieldProblem(f"services.{service}.depends_on", "cannot be met")])
