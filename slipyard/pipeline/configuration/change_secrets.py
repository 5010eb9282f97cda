"""Secrets of an app come and go, by the way of every change of its configuration."""

from dataclasses import dataclass, field

from slipyard.domain.actor import Actor
from slipyard.domain.configuration import Configuration, Secret, SecretUse, check_mode, check_path
from slipyard.domain.errors import FieldProblem, NotFound, ValidationFailed
from slipyard.domain.naming import check_env_name
from slipyard.domain.secret_store import check_origin
from slipyard.pipeline.configuration.change_configuration import Changed, change_configuration
from slipyard.pipeline.configuration.secret_stores import find_store
from slipyard.pipeline.context import Context


@dataclass(frozen=True)
class NewSecret:
    """`value`, or `origin`: a store and a key in it."""

    name: str
    value: str | None = field(repr=False)
    origin: str | None = None
    use: SecretUse = SecretUse.RUN
    path: str | None = None
    mode: str = "0444"


async def set_secret(context: Context, app_id: str, new: NewSecret, actor: Actor, *, release: bool = True) -> Changed:
    """`NotFound` where its store is not there, `SecretRefused` where that has no such secret."""
    secret = _checked(new)
    if secret.origin is not None:
        store = secret.origin.partition(":")[0]
        await context.database.reading(lambda session: find_store(session, actor.organization_id, store))

    def change(found: Configuration) -> Configuration:
        _refuse_same_path(found, new)
        return found.model_copy(update={"secrets": {**found.secrets, new.name: secret}})

    return await change_configuration(context, app_id, change, actor, release=release)


async def remove_secret(context: Context, app_id: str, name: str, actor: Actor, *, release: bool = True) -> Changed:
    def change(found: Configuration) -> Configuration:
        if name not in found.secrets:
            raise NotFound(f"There is no secret {name!r} here. `slipyard secrets list` shows those that there are.")
        rest = {other: secret for other, secret in found.secrets.items() if other != name}
        return found.model_copy(update={"secrets": rest})

    return await change_configuration(context, app_id, change, actor, release=release)


def _checked(new: NewSecret) -> Secret:
    check_env_name(new.name)
    if (new.value is None) == (new.origin is None):
        raise _refused("value", "Give the secret a value, or say with `origin` where it is read: one of both.")
    if new.use is SecretUse.BUILD and (new.path is not None or new.origin is not None):
        raise _refused("use", "A secret for builds has a value of its own and no path: builds mount it where they ask.")
    return Secret(
        value=new.value,
        origin=check_origin(new.origin) if new.origin is not None else None,
        use=new.use,
        path=check_path(new.path) if new.path is not None else None,
        mode=check_mode(new.mode),
    )


def _refuse_same_path(found: Configuration, new: NewSecret) -> None:
    for name, other in found.secrets.items():
        if new.path is not None and other.path == new.path and name != new.name:
            raise _refused("path", f"{new.path} is where the secret {name} lies. Choose another path.")


def _refused(name: str, sentence: str) -> ValidationFailed:
    return ValidationFailed(sentence, details=[FieldProblem(name, "cannot be used")])
