"""Which secret goes to which git host: an app's own credential, to its host only, and what became of it there."""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_network

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import FieldProblem, RefNotFound, SlipyardError, SourceRefused, UserError, ValidationFailed
from slipyard.domain.git_credential import GitCredential
from slipyard.domain.git_url import GitUrl, parse_git_url
from slipyard.domain.network_rules import Network
from slipyard.domain.source import Source
from slipyard.pipeline.context import Context
from slipyard.store.cipher import Cipher
from slipyard.store.tables import App, GitCredentialRow

Change = tuple[App | GitCredentialRow, str, object]
_NOTE_USE_EVERY = timedelta(hours=1)
_ANYWHERE: Sequence[Network] = (ip_network("0.0.0.0/0"), ip_network("::/0"))  # to read a URL, not to go there


def credential_for(session: Session, cipher: Cipher, app: App, source: Source | None = None) -> GitCredential | None:
    """The app's credential with its secret; None where it has none, or one that does not fit the host of its URL.

    `source` is given where it may be another than the app has now: that of an earlier build.
    """
    asked = source or app.config.source
    row = _row(session, app.organization_id, asked.credential_id)
    if row is None or not fits(row, asked.repo_url):
        return None
    return opened(cipher, row)


def opened(cipher: Cipher, row: GitCredentialRow) -> GitCredential:
    secret = cipher.decrypt(row.secret_encrypted).decode()
    if row.kind == "ssh":
        return GitCredential(row.host, row.username, private_key=secret, known_hosts=row.known_hosts)
    return GitCredential(row.host, row.username, password=secret)


def fits(row: GitCredentialRow, repo_url: str | None) -> bool:
    url = _read(repo_url)
    closed = GitCredential(row.host, private_key="") if row.kind == "ssh" else GitCredential(row.host, password="")
    return url is not None and closed.fits(url)


def check_credential(session: Session, actor: Actor, source: Source) -> None:
    """`ValidationFailed` where the source names a credential that is not there or not for its host."""
    if source.credential_id is None:
        return
    row = _row(session, actor.organization_id, source.credential_id)
    if row is None or (actor.app_id is not None and row.app_id != actor.app_id):
        raise _wrong(
            f"There is no git credential {source.credential_id!r} here; GET /v1/git-credentials lists them.",
            "not there",
        )
    if not fits(row, source.repo_url):
        raise _wrong(
            f"The git credential {row.name} is {_purpose(row)} and is not sent to {source.repo_url or 'anywhere else'}. "
            "Name one for that host, or leave credential_id out.",
            f"is {_purpose(row)}",
        )


def settled_source(session: Session, app: App, wanted: Source, actor: Actor) -> tuple[Source, str | None]:
    """The source as it may be stored: a credential does not follow to a host that it does not belong to.

    With it comes the sentence that says so, where one was dropped.
    """
    before = app.config.source
    if wanted.credential_id is None or wanted.credential_id != before.credential_id:
        check_credential(session, actor, wanted)
        return wanted, None
    row = _row(session, app.organization_id, wanted.credential_id)
    if row is not None and fits(row, wanted.repo_url):
        return wanted, None
    name = f"{row.name} is {_purpose(row)}" if row else f"{wanted.credential_id} is no longer there"
    said = f"The git credential {name}, so it was dropped from this app when its source changed."
    return wanted.model_copy(update={"credential_id": None}), said


async def note_access(context: Context, app_id: str | None, source: Source, error: SlipyardError | None) -> None:
    """What the host said to the credential of this source; kept on the app as long as that is its source.

    Without an app, what is known about the credential itself is kept.
    """
    keys = await shown_keys(context, source)
    if await context.database.reading(lambda session: _news(session, context, app_id, source, error, keys)):
        await context.database.writing(lambda session: write_access(session, context, app_id, source, error, keys))


async def shown_keys(context: Context, source: Source) -> str:
    """What the ssh host of a source showed first, as lines of known_hosts; empty for other hosts."""
    url = _read(source.repo_url)
    return await context.git.seen_keys(url) if url is not None and url.scheme == "ssh" else ""


def write_access(
    session: Session, context: Context, app_id: str | None, source: Source, error: SlipyardError | None, keys: str
) -> None:
    """`note_access` in the caller's transaction."""
    for row, name, value in _news(session, context, app_id, source, error, keys):
        setattr(row, name, value)
        session.add(row)


def access_of(error: SlipyardError | None) -> tuple[bool, str | None] | None:
    """Whether git may read there, and why not; None where a host that is away tells nothing about it."""
    if error is None or isinstance(error, RefNotFound):
        return True, None
    return (False, error.message) if isinstance(error, UserError) else None


def _news(
    session: Session, context: Context, app_id: str | None, source: Source, error: SlipyardError | None, keys: str
) -> list[Change]:
    """What is not known yet. Most fetches change nothing, and a write is dear."""
    app = session.get(App, app_id) if app_id else None
    row = session.get(GitCredentialRow, source.credential_id) if source.credential_id else None
    used = _used(context, row, keys) if row is not None and access_of(error) == (True, None) else []
    return [*(_seen(app, source, error) if app else []), *used]


def _seen(app: App, source: Source, error: SlipyardError | None) -> list[Change]:
    found, now = access_of(error), app.config.source
    same = (now.repo_url, now.credential_id) == (source.repo_url, source.credential_id)
    if found is None or not same or found == (app.has_git_access, app.git_access_error):
        return []
    return [(app, "has_git_access", found[0]), (app, "git_access_error", found[1])]


def _used(context: Context, row: GitCredentialRow, keys: str) -> list[Change]:
    """The key that a host showed first is the one that it must show from now on."""
    now = context.clock.now()
    pinned: list[Change] = [(row, "known_hosts", keys)] if row.kind == "ssh" and not row.known_hosts and keys else []
    if row.used_at is None or now - row.used_at > _NOTE_USE_EVERY:
        pinned.append((row, "used_at", now))
    return pinned


def _row(session: Session, organization_id: str, credential_id: str | None) -> GitCredentialRow | None:
    row = session.get(GitCredentialRow, credential_id) if credential_id else None
    return row if row is not None and row.organization_id == organization_id else None


def _read(repo_url: str | None) -> GitUrl | None:
    try:
        return parse_git_url(repo_url, _ANYWHERE) if repo_url else None
    except SourceRefused:
        return None


def _purpose(row: GitCredentialRow) -> str:
    return f"a key for ssh to {row.host}" if row.kind == "ssh" else f"a {row.kind} secret for https to {row.host}"


def _wrong(message: str, problem: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem("source.credential_id", problem)])
