"""Every value in force for an app, and where it came from."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from slipyard.domain.app import AppConfig
from slipyard.domain.configuration import Configuration
from slipyard.domain.references import has_reference
from slipyard.domain.release import AFTER_DEPLOY, BEFORE_DEPLOY, RELEASE_COMMAND, WEB, ReleaseConfig
from slipyard.domain.values import Value

DEFAULT, TOLD, PROCFILE, IMAGE, SLIPYARD, DEPLOYMENT = "default", "app", "Procfile", "image", "slipyard", "deployment"
_LINES = {
    "source.start_command": WEB,
    "release_command": RELEASE_COMMAND,
    "before_deploy": BEFORE_DEPLOY,
    "after_deploy": AFTER_DEPLOY,
}


class Explained(Value):
    """`value` as JSON; None also for what is never shown."""

    name: str
    value: Any
    origin: str


def explain(config: AppConfig, configuration: Configuration, live: ReleaseConfig | None) -> list[Explained]:
    """The settings of the app in their order, then variables and secrets by name."""
    told = [_with_release(each, live) for each in _leaves(config, AppConfig(), "")]
    return [*told, *_variables(configuration, live), *_secrets(configuration)]


def _leaves(value: BaseModel, usual: BaseModel, prefix: str) -> Iterator[Explained]:
    shown = value.model_dump(mode="json")
    for name in type(value).model_fields:
        own, default = getattr(value, name), getattr(usual, name, None)
        if isinstance(own, BaseModel):
            yield from _leaves(own, default if isinstance(default, BaseModel) else own, f"{prefix}{name}.")
        else:
            yield Explained(name=f"{prefix}{name}", value=shown[name], origin=DEFAULT if own == default else TOLD)


def _with_release(each: Explained, live: ReleaseConfig | None) -> Explained:
    """What nobody told may have come with the tree or the image of what is live."""
    if live is None or each.origin is not DEFAULT:
        return each
    origin, routed = live.origin, live.routed
    if (of_repository := _of_repository(each, live)) is not None:
        return of_repository
    if each.name == "port" and routed is not None:
        said = IMAGE if origin.exposed_ports == (routed.port,) else DEFAULT
        return Explained(name=each.name, value=routed.port, origin=said)
    line = origin.processes.get(_LINES.get(each.name, ""))
    if line is not None:
        return Explained(name=each.name, value=line, origin=PROCFILE)
    if each.name == "health_check.command" and origin.health_command is not None:
        return Explained(name=each.name, value=list(origin.health_command), origin=IMAGE)
    return each


def _of_repository(each: Explained, live: ReleaseConfig) -> Explained | None:
    """What its files say of the service that requests go to, and of what runs once."""
    manifest, routed = live.origin.manifest, live.routed
    said = manifest.services.get(routed.name) if routed is not None else None
    known: dict[str, Any] = {"watch_paths": list(manifest.watch_paths) or None}
    known |= {name: manifest.commands.get(moment) for name, moment in _LINES.items() if moment != WEB}
    if said is not None:
        known |= {"port": said.port, "min_instances": said.replicas, "source.start_command": said.command}
        known |= _parts("resources", said.resources) | _parts("health_check", said.health_check)
    value = known.get(each.name)
    if value is None:
        return None
    return Explained(name=each.name, value=value, origin=" and ".join(manifest.files))


def _parts(name: str, said: BaseModel | None) -> dict[str, Any]:
    given = {} if said is None else said.model_dump(mode="json", exclude_defaults=True)
    return {f"{name}.{part}": value for part, value in given.items()}


def _variables(configuration: Configuration, live: ReleaseConfig | None) -> Iterator[Explained]:
    of_release = set() if live is None else live.env_fingerprints.keys() - configuration.env.keys()
    manifest = None if live is None else live.origin.manifest
    for name in sorted({*configuration.env, *of_release, "PORT", "SOURCE_VERSION"}):
        if name in {"PORT", "SOURCE_VERSION"}:
            yield Explained(name=f"env.{name}", value=None, origin=SLIPYARD)
        elif name in of_release and manifest is not None and (name in manifest.env or "/" in name):
            yield Explained(name=f"env.{name}", value=None, origin=" and ".join(manifest.files) or TOLD)
        elif name in of_release:
            yield Explained(name=f"env.{name}", value=None, origin=DEPLOYMENT)
        else:
            origin = "reference" if has_reference(configuration.env[name]) else TOLD
            yield Explained(name=f"env.{name}", value=None, origin=origin)


def _secrets(configuration: Configuration) -> Iterator[Explained]:
    for name, secret in sorted(configuration.secrets.items()):
        yield Explained(name=f"secret.{name}", value=None, origin=secret.origin or TOLD)
