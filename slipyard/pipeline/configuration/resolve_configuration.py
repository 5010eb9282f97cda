"""What a release is given: variables with their references resolved, and secret files. Stores elsewhere were asked before
the transaction (`fetch_secrets.py`); what they said is handed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.app import DEFAULT_PORT
from slipyard.domain.configuration import DEFAULT_MODE, Configuration, Secret, SecretFile, SecretUse
from slipyard.domain.errors import Conflict, FieldProblem, InsufficientScope, NotFound, UserError, ValidationFailed
from slipyard.domain.formation import Formation
from slipyard.domain.references import has_reference, references_in, resolve
from slipyard.pipeline.context import Context
from slipyard.store.cipher import Cipher
from slipyard.store.configuration import configuration_of
from slipyard.store.environment import own_name
from slipyard.store.queries.apps import find_app, find_seen_app
from slipyard.store.tables import App

Place = tuple[str, str]  # id of an app, name of a secret of it


@dataclass(frozen=True)
class Fetched:
    """What stores elsewhere said: a value, or why there is none."""

    values: Mapping[Place, str] = field(default_factory=dict, repr=False)
    refusals: Mapping[Place, UserError] = field(default_factory=dict)


NOTHING_FETCHED = Fetched()


@dataclass(frozen=True)
class Resolved:
    """`version` is that of the configuration, 0 where there is none yet. A variable of one service alone is called
    `service/NAME`, which no variable of the app can be."""

    version: int
    env: dict[str, str] = field(repr=False)
    files: list[SecretFile] = field(repr=False)


def resolve_configuration(
    session: Session,
    context: Context,
    app: App,
    fetched: Fetched,
    services: Formation,
    extra_env: Mapping[str, str] | None = None,
) -> Resolved:
    """`ValidationFailed` for a reference to nothing and for a variable that is required and not there, `Conflict` where the
    configuration changed since it was fetched."""
    found = configuration_of(session, context.cipher, app.id)
    told = _Told(fetched)
    variables = services.manifest.env | found.env | dict(extra_env or {})
    _check_required(app, services, variables)
    _check_repository(app, services, found, variables)
    scope = _Scope(app, _Book(session, context, told))
    env = resolve(scope, variables | _own_variables(services, found, variables))
    owned = _Owned(app, _secrets_for(session, context, app, found))
    return Resolved(app.last_config, env, [*_files(app, found, told), *_own_files(owned, services, told)])


def fingerprints(cipher: Cipher, resolved: Resolved) -> tuple[dict[str, str], dict[str, str]]:
    """Of the variables by name, and of the files by path, with their modes. Those of one service begin with its name."""
    return (
        {name: cipher.fingerprint(value.encode()) for name, value in resolved.env.items()},
        {_place(file): cipher.fingerprint(file.model_dump_json(exclude_none=True).encode()) for file in resolved.files},
    )


def needed_elsewhere(
    session: Session,
    context: Context,
    app: App,
    configuration: Configuration,
    services: Formation,
    extra: Iterable[Mapping[str, str]] = (),
) -> dict[Place, str]:
    """The origins that must be read for releases of this configuration, of other apps too where variables lead there.
    `extra` are variables that deployments bring along."""
    asked = _Asked()
    for env in ({}, *extra):
        variables = services.manifest.env | configuration.env | dict(env)
        every = variables | _own_variables(services, configuration, variables)
        resolve(_Scope(app, _Book(session, context, asked), configuration), every)
    _files(app, configuration, asked)
    _own_files(_Owned(app, _secrets_for(session, context, app, configuration)), services, asked)
    return asked.origins


def check_references(session: Session, context: Context, app: App, env: Mapping[str, str], actor: Actor) -> None:
    """Before anything changes: that all is there, and that who writes `env` may read what it refers to."""
    for value in env.values():
        for reference in references_in(value):
            if reference.app is not None and reference.app != app.slug:
                _check_reach(session, reference.app, reference.text, actor)
    own = configuration_of(session, context.cipher, app.id)
    resolve(_Scope(app, _Book(session, context, _Asked()), own), own.env | dict(env))


def _check_reach(session: Session, slug: str, text: str, actor: Actor) -> None:
    find_seen_app(session, actor, slug)
    if not actor.may("apps:write"):
        raise InsufficientScope(f"{text} reads from {slug}, which needs the scope apps:write. Use a token that has it.")


class _Told:
    """Answers with what was fetched."""

    def __init__(self, fetched: Fetched) -> None:
        self._fetched = fetched

    def value(self, place: Place, secret: Secret) -> str:
        if secret.origin is None:
            return secret.value or ""
        if place in self._fetched.refusals:
            raise self._fetched.refusals[place]
        if place not in self._fetched.values:
            raise Conflict(f"The secret {place[1]} was changed by somebody else meanwhile. Try again.")
        return self._fetched.values[place]


class _Asked(_Told):
    """Notes what would have to be fetched."""

    def __init__(self) -> None:
        super().__init__(Fetched())
        self.origins: dict[Place, str] = {}

    def value(self, place: Place, secret: Secret) -> str:
        if secret.origin is not None:
            self.origins[place] = secret.origin
        return ""


@dataclass(frozen=True)
class _Book:
    session: Session
    context: Context
    secrets: _Told


class _Scope:
    """A `references.Scope` over the rows of one app. A preview has the secrets of its app, for the variables it was given."""

    def __init__(self, app: App, book: _Book, configuration: Configuration | None = None) -> None:
        self.slug = app.slug
        self._app, self._book, self._given = app, book, configuration
        self._owner = app.parent_id or app.id

    @property
    def _configuration(self) -> Configuration:
        if self._given is None:
            self._given = configuration_of(self._book.session, self._book.context.cipher, self._app.id)
        return self._given

    def variable(self, name: str) -> str | None:
        return self._configuration.env.get(name)

    def secret(self, name: str) -> str | None:
        book, secrets = self._book, self._configuration.secrets
        if self._owner != self._app.id:
            secrets = configuration_of(book.session, book.context.cipher, self._owner).secrets
        found = secrets.get(name)
        if found is None or found.use is not SecretUse.RUN:
            return None
        return book.secrets.value((self._owner, name), found)

    def fact(self, name: str) -> str | None:
        settings, app = self._book.context.settings, self._app
        port = app.config.port or DEFAULT_PORT
        return {"url": settings.app_url(app.host), "host": app.host, "port": str(port), "slug": app.slug}.get(name)

    def other(self, slug: str) -> "_Scope | None":
        try:
            return _Scope(find_app(self._book.session, self._app.organization_id, slug), self._book)
        except NotFound:
            return None


def _files(app: App, configuration: Configuration, told: _Told) -> list[SecretFile]:
    return [
        SecretFile(path=secret.path, mode=secret.mode, content=told.value((app.id, name), secret))
        for name, secret in sorted(configuration.secrets.items())
        if secret.path is not None and secret.use is SecretUse.RUN
    ]


def _own_variables(services: Formation, configuration: Configuration, variables: Mapping[str, str]) -> dict[str, str]:
    known = _with_secrets(configuration, variables)
    return {
        own_name(service, name): value
        for service in services.services
        for name, value in services.own_env(service, known).items()
    }


def _with_secrets(configuration: Configuration, variables: Mapping[str, str]) -> dict[str, str]:
    """A compose file calls variables and secrets by the same `${NAME}`."""
    used = {name for name, secret in configuration.secrets.items() if secret.use is SecretUse.RUN}
    return {name: f"${{secret:{name}}}" for name in used} | dict(variables)


@dataclass(frozen=True)
class _Owned:
    """A preview has the secrets of its app, for what that was told."""

    app: App
    secrets: Mapping[str, Secret]

    @property
    def owner_id(self) -> str:
        return self.app.parent_id or self.app.id


def _secrets_for(session: Session, context: Context, app: App, own: Configuration) -> Mapping[str, Secret]:
    if app.parent_id is None:
        return own.secrets
    return configuration_of(session, context.cipher, app.parent_id).secrets


def _own_files(owned: _Owned, services: Formation, told: _Told) -> list[SecretFile]:
    given = services.told if owned.app.parent_id is not None else services.services
    return [
        SecretFile(
            path=path,
            mode=owned.secrets[name].mode if name in owned.secrets else DEFAULT_MODE,
            content=_own_secret(owned, service, name, told),
            service=service,
        )
        for service, each in given.items()
        for path, name in sorted((each.secret_files or {}).items())
    ]


def _own_secret(owned: _Owned, service: str, name: str, told: _Told) -> str:
    secret = owned.secrets.get(name)
    if secret is None or secret.use is not SecretUse.RUN:
        raise ValidationFailed(
            f"The service {service} of {owned.app.slug} wants a file with the secret {name}, and there is no such secret. "
            "Set it with `slipyard secrets set` first.",
            details=[FieldProblem(f"services.{service}.secret_files", "no such secret")],
        )
    return told.value((owned.owner_id, name), secret)


def _check_required(app: App, services: Formation, variables: Mapping[str, str]) -> None:
    if missing := services.manifest.missing(variables):
        raise ValidationFailed(
            f"The repository of {app.slug} requires {', '.join(missing)}, and nobody said what it is. "
            "Set it with `slipyard env set`, then deploy again.",
            details=[FieldProblem(f"env_vars.{name}", "required") for name in missing],
        )


def _check_repository(
    app: App, services: Formation, configuration: Configuration, variables: Mapping[str, str]
) -> None:
    """Who may push need not be one who may read other apps; and what a preview is given is said by its app alone."""
    told = _with_secrets(configuration, variables)
    plain = {name: "-" if has_reference(value) else value for name, value in told.items()}
    said = dict(services.manifest.env)
    for service in services.services:
        own = services.manifest.env_of(service, plain)
        said |= {own_name(service, name): value for name, value in own.items()}
    for shown, value in said.items():
        for reference in references_in(value):
            if app.parent_id is not None or reference.app not in {None, app.slug}:
                raise ValidationFailed(
                    f"{shown} in the repository of {app.slug} refers to {reference.text}, and a repository may only refer "
                    "to what its own app has, and that of a preview to nothing. Set it with `slipyard env set`.",
                    details=[FieldProblem(f"env_vars.{shown}", "may not be read from here")],
                )


def _place(file: SecretFile) -> str:
    return file.path if file.service is None else f"{file.service}:{file.path}"
