"""Logins at registries come, are tried, and go. The installation's own registry has a login of its own."""

from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import FieldProblem, SourceRefused, Unavailable, UserError, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.domain.image_reference import ImageReference, parse_image_reference
from slipyard.pipeline.context import Context
from slipyard.store.queries.registry_logins import credentials_by_host, find_login, list_logins
from slipyard.store.tables import App, RegistryLogin

_HUB = {"hub.docker.com", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}


@dataclass(frozen=True)
class NewLogin:
    host: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class LoginTried:
    works: bool
    message: str
    digest: str | None = None


async def keep_login(context: Context, new: NewLogin, actor: Actor) -> RegistryLogin:
    """A second one for a registry takes the place of the first. `ValidationFailed` for what is no registry."""
    host = registry_host(new.host)
    if host == context.registry_home.host:
        raise _wrong(f"{host} is where Slipyard keeps its own images; it is logged in there already.", "host")
    if ":" in new.username or not new.username.isprintable():
        raise _wrong("A user name has no colon and no control characters.", "username")

    def keep(session: Session) -> RegistryLogin:
        there = next((row for row in list_logins(session, actor.organization_id) if row.host == host), None)
        row = there or RegistryLogin(
            id=new_id("reg"),
            organization_id=actor.organization_id,
            host=host,
            username="",
            secret_encrypted=b"",
            created_at=context.clock.now(),
        )
        row.username, row.secret_encrypted = new.username, context.cipher.encrypt(_secret(new.password).encode())
        session.add(row)
        return row

    return await context.database.writing(keep)


async def remove_login(context: Context, id_or_host: str, actor: Actor) -> str:
    """Its host. What runs goes on running; the next pull there is one of everybody's."""

    def remove(session: Session) -> str:
        row = find_login(session, actor.organization_id, id_or_host)
        session.delete(row)
        return row.host

    return await context.database.writing(remove)


async def try_login(context: Context, id_or_host: str, image: str | None, actor: Actor) -> LoginTried:
    """Asks the registry, for `image` where one is given. What it refuses is an answer; an image of another is an error."""

    def read(session: Session) -> tuple[str, Credentials]:
        row = find_login(session, actor.organization_id, id_or_host)
        return row.host, credentials_by_host(session, context.cipher, actor.organization_id)[row.host]

    host, login = await context.database.reading(read)
    asked = None if image is None else parse_image_reference(image)
    if asked is not None and asked.domain != host:
        raise _wrong(f"This login is for {host} and is not sent to {asked.domain}.", "image")
    return await _tried(context, host, asked, login)


async def login_for(context: Context, app_id: str, host: str) -> Credentials | None:
    """What `app_id` pulls with from the registry `host`."""
    return (await logins_for(context, app_id)).get(host)


async def logins_for(context: Context, app_id: str) -> dict[str, Credentials]:
    """By host, the installation's own with those of the app's organization."""

    def read(session: Session) -> dict[str, Credentials]:
        app = session.get_one(App, app_id)
        return credentials_by_host(session, context.cipher, app.organization_id)

    return {**await context.database.reading(read), **context.registry_home.by_host}


def registry_host(text: str) -> str:
    """As image references name it: Docker Hub has many names and is `docker.io`."""
    given = text.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    if given in _HUB:
        return "docker.io"
    try:
        host = parse_image_reference(f"{given}/image").domain
    except SourceRefused:
        host = ""
    if not given or host != given:
        raise _wrong(f"{text[:80]!r} is no registry: write ghcr.io, docker.io or registry.example.com:5000.", "host")
    return host


async def _tried(context: Context, host: str, image: ImageReference | None, login: Credentials) -> LoginTried:
    allowed = context.settings.allowed_networks
    try:
        if image is None:
            await context.registry.try_login(host, login, allowed)
            return LoginTried(works=True, message=f"{host} takes {login.username}.")
        digest = await context.registry.tag_digest(image, allowed, login)
    except (UserError, Unavailable) as error:
        return LoginTried(works=False, message=error.message)
    return LoginTried(works=True, message=f"{image} may be pulled: it is {digest}.", digest=digest)


def _secret(given: str) -> str:
    text = given.strip("\r\n")
    if not text or not text.isprintable():
        raise _wrong("The password has to be one line of printable characters.", "password")
    return text


def _wrong(message: str, where: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem(where, "not usable")])
