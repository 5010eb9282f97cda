"""Git credentials come, are tried, and go. Their secret is sealed before it is stored and never answered."""

from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from slipyard.clients.git_remote import resolve_remote
from slipyard.clients.git_ssh import host_alias
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, FieldProblem, SourceRefused, Unavailable, ValidationFailed
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_url import parse_git_url
from slipyard.domain.ids import new_id
from slipyard.domain.known_hosts import check_known_hosts
from slipyard.domain.network_rules import check_host
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.sources.git_access import note_access, opened
from slipyard.pipeline.sources.ssh_key import SshKey, generate_key, read_key
from slipyard.store.queries.git_credentials import apps_using, find_credential
from slipyard.store.tables import GitCredentialRow

_USUAL_PORTS = {22, 443}
_MAXIMUM_PORT = 65535
_USERS = {"bitbucket.org": "x-token-auth"}  # whom a host wants to see beside a token; the others take any name


@dataclass(frozen=True)
class NewGitCredential:
    """One secret: a token, a password with its user, a private key, or a key to be generated."""

    name: str
    host: str
    kind: str | None = None
    username: str | None = None
    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    generate: bool = False
    known_hosts: str = ""
    app_id: str | None = None  # a deploy key of this app goes with it


@dataclass(frozen=True)
class Renewed:
    """None leaves as it is."""

    username: str | None = None
    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    generate: bool = False
    known_hosts: str | None = None

    @property
    def has_secret(self) -> bool:
        return self.generate or any(each is not None for each in (self.token, self.password, self.private_key))


@dataclass(frozen=True)
class AccessTried:
    may_read: bool
    message: str
    commit: str | None = None


async def make_credential(context: Context, new: NewGitCredential, actor: Actor) -> GitCredentialRow:
    """`ValidationFailed` for a secret that is none or not the only one, `Conflict` where the name is taken."""
    host, port = read_host(new.host)
    kind, secret, key = _secret(new)
    row = GitCredentialRow(
        id=new_id("crd"),
        organization_id=actor.organization_id,
        name=new.name,
        host=_written(host, port),
        kind=kind,
        username=_username(new, host),
        secret_encrypted=context.cipher.encrypt(secret.encode()),
        public_key=key.public if key else None,
        known_hosts=check_known_hosts(new.known_hosts, host_alias(host, port or 22)) if key else "",
        app_id=new.app_id,
        created_at=context.clock.now(),
    )
    try:
        await context.database.writing(lambda session: session.add(row))
    except IntegrityError as error:
        raise Conflict(
            f"There is a git credential {new.name} already. Choose another name, or remove that one.",
            details=[FieldProblem("name", "already taken")],
        ) from error
    return row


async def renew_credential(context: Context, id_or_name: str, new: Renewed, actor: Actor) -> GitCredentialRow:
    """The same credential with another secret of its kind, or other keys of its host; apps go on using it."""

    def renew(session: Session) -> GitCredentialRow:
        row = find_credential(session, actor.organization_id, id_or_name)
        host, port = read_host(row.host)
        if new.has_secret:
            given = NewGitCredential(
                row.name,
                row.host,
                row.kind,
                new.username or row.username,
                new.token,
                new.password,
                new.private_key,
                new.generate,
            )
            _, secret, key = _secret(given)
            row.username, row.secret_encrypted = _username(given, host), context.cipher.encrypt(secret.encode())
            row.public_key = key.public if key else None
        if new.known_hosts is not None:
            row.known_hosts = check_known_hosts(new.known_hosts, host_alias(host, port or 22))
        session.add(row)
        return row

    return await context.database.writing(renew)


async def remove_credential(context: Context, id_or_name: str, actor: Actor) -> str:
    """Its name. `Conflict` while apps use it: they would lose their repository without being asked."""

    def remove(session: Session) -> str:
        row = find_credential(session, actor.organization_id, id_or_name)
        using = [app.slug for app in apps_using(session, row.id)]
        if using:
            raise Conflict(
                f"{row.name} is used by {', '.join(using[:10])}. Give them another source.credential_id, or delete them first."
            )
        session.delete(row)
        return row.name

    return await context.database.writing(remove)


async def try_credential(context: Context, id_or_name: str, repo_url: str, actor: Actor) -> AccessTried:
    """Asks the host for the head of the repository. What a host refuses is an answer; a URL of another host is an error."""
    url = parse_git_url(repo_url, context.settings.allowed_networks)
    row = await context.database.reading(lambda session: find_credential(session, actor.organization_id, id_or_name))
    credential = opened(context.cipher, row)
    if not credential.fits(url):
        raise ValidationFailed(
            f"{row.name} is for {row.host} ({row.kind}) and is not sent to {url.origin()}.",
            details=[FieldProblem("repo_url", "of another host")],
        )
    tried, problem = await _tried(context, str(url), credential)
    await _note(context, row, repo_url, problem)
    return tried


def read_host(text: str) -> tuple[str, int | None]:
    """`github.com`, `git.example.com:8443` or `[2001:db8::1]:22`; a port that is usual anyway is None."""
    host, colon, port = text.rpartition(":") if not text.endswith("]") and text.count(":") != 0 else (text, "", "")
    if colon and (not port.isdecimal() or not 1 <= int(port) <= _MAXIMUM_PORT):
        raise _no_host(text)
    try:
        checked = check_host(host.removeprefix("[").removesuffix("]"))
    except SourceRefused as error:
        raise _no_host(text) from error
    number = int(port) if colon else None
    return checked, None if number in _USUAL_PORTS else number


async def _tried(
    context: Context, url: str, credential: GitCredential
) -> tuple[AccessTried, SourceRefused | Unavailable | None]:
    try:
        remote = await resolve_remote(url, credential, context.settings.allowed_networks)
        commit = await context.git.ls_remote(remote, "HEAD")
    except (SourceRefused, Unavailable) as error:
        return AccessTried(may_read=False, message=error.message), error
    head = f"its head is {commit[:12]}" if commit else "it has no commit yet"
    return AccessTried(may_read=True, message=f"{url} may be read: {head}.", commit=commit), None


async def _note(
    context: Context, row: GitCredentialRow, repo_url: str, problem: SourceRefused | Unavailable | None
) -> None:
    """For the apps whose source this is, and the key of the host that it showed."""
    source = Source(type=SourceType.GIT, repo_url=repo_url, credential_id=row.id)
    apps = await context.database.reading(lambda session: apps_using(session, row.id))
    for app_id in [None, *(app.id for app in apps)]:
        await note_access(context, app_id, source, problem)


def _secret(new: NewGitCredential) -> tuple[str, str, SshKey | None]:
    """The kind, the secret itself, and the key where it is one."""
    given = {
        "token": new.token is not None,
        "basic": new.password is not None,
        "ssh": new.private_key is not None or new.generate,
    }
    kinds = [kind for kind, is_given in given.items() if is_given]
    if len(kinds) != 1 or (new.generate and new.private_key is not None):
        raise _wrong("Send exactly one secret: token, password, private_key, or generate: true.", "token")
    if new.kind not in {None, kinds[0]}:
        raise _wrong(f"This secret makes a credential of kind {kinds[0]}, not {new.kind}.", "kind")
    if kinds == ["ssh"]:
        key = generate_key() if new.private_key is None else read_key(new.private_key)
        return "ssh", key.private, key
    if kinds == ["basic"] and new.username is None:
        raise _wrong("A password belongs to a user: send username too.", "username")
    return kinds[0], _one_line(new.token or new.password or ""), None


def _one_line(secret: str) -> str:
    text = secret.strip("\r\n")
    if not text or not text.isprintable():
        raise _wrong("The secret has to be one line of printable characters.", "token")
    return text


def _username(new: NewGitCredential, host: str) -> str:
    name = new.username or _USERS.get(host, "git")
    if ":" in name or not name.isprintable():
        raise _wrong("A user name has no colon and no control characters.", "username")
    return name


def _written(host: str, port: int | None) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port is None else f"{named}:{port}"


def _no_host(text: str) -> ValidationFailed:
    return _wrong(f"{text[:80]!r} is not the host of a repository: write github.com or git.example.com:8443.", "host")


def _wrong(message: str, where: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem(where, "not usable")])
