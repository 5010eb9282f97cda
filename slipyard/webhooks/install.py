"""A webhook is made at the provider too, and a deploy key where the repository is private: through its API, line by line.

Each step is written down before the next one, so that what a crash left half made is finished by asking again.
"""

from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.clients.code_hosts.code_host import CodeHost, HostedHook
from slipyard.clients.git_remote import resolve_remote
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, SourceRefused
from slipyard.domain.git_url import parse_git_url
from slipyard.domain.hook import HookSettings, Installed
from slipyard.domain.ids import new_id, short_id
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import code_host_for, repository_at
from slipyard.pipeline.sources.git_credentials import NewGitCredential, make_credential
from slipyard.store.events import record
from slipyard.store.queries.connections import connection_for
from slipyard.store.queries.hooks import hooks_of
from slipyard.store.tables import App, Connection, GitCredentialRow, Hook
from slipyard.webhooks.hook_settings import checked_settings, new_secret
from slipyard.webhooks.providers import provider_named

_LOOPBACK = ("://127.", "://localhost", "://[::1]")
_CLOUD = "/2.0"  # the end of the API's address of Bitbucket Cloud


@dataclass
class Installation:
    """What `hook` has at the provider; `done` says it line by line."""

    app: App
    connection: Connection
    host: CodeHost
    hook: Hook
    made: Installed
    done: list[str] = field(default_factory=list)


async def install_hook(
    context: Context, app: App, actor: Actor, *, deploy_key: bool | None = None, ssh_url: str | None = None
) -> Installation:
    """Once for each app: again, it mends what is missing. `deploy_key` None: where the repository cannot be read without.

    `Conflict` without a connection to the repository's host, `CodeHostRefused` with the right that is missing,
    `Unavailable` where the host does not answer; what was made until then stays written down.
    """
    connection = await context.database.reading(lambda session: _connection(session, app))
    host, repository = code_host_for(context, connection), repository_at(connection, app)
    await host.check_repository(repository)
    hook = await context.database.writing(lambda session: _begun(session, context, app, connection, repository, actor))
    found = Installation(app, connection, host, hook, hook.installed or Installed(**_nothing(connection, repository)))
    found.done.append(f"Asked {connection.host} as {connection.account or 'the owner of the token'}.")
    await _make_hook(context, found)
    if await _wants_key(context, app, found.made, wanted=deploy_key):
        await _make_key(context, found, actor, ssh_url)
    found.done.append("Waiting for your first push.")
    return found


def _connection(session: Session, app: App) -> Connection:
    if app.parent_id is not None:
        raise Conflict(f"{app.slug} is a preview, which has no webhook of its own.")
    connection = connection_for(session, app)
    if connection is None:
        raise Conflict(
            f"There is no connection to the code host of {app.slug}. Set source.repo_url to its repository, and store a"
            " token with `slipyard connect github` (or gitlab, gitea, forgejo, bitbucket)."
        )
    return connection


def _nothing(connection: Connection, repository: str) -> dict[str, str]:
    return {"connection_id": connection.id, "repository": repository, "hook_id": ""}


def _begun(session: Session, context: Context, app: App, connection: Connection, repository: str, actor: Actor) -> Hook:
    for hook in hooks_of(session, app.id):
        if hook.installed and (hook.installed.connection_id, hook.installed.repository) == (connection.id, repository):
            return hook
    provider, now = provider_named(_provider_of(connection)), context.clock.now()
    settings: HookSettings = checked_settings(provider, None, None, None)
    hook = Hook(
        id=new_id("hok"),
        app_id=app.id,
        provider=provider.name,
        settings=settings,
        secret_encrypted=context.cipher.encrypt(new_secret(provider, settings).encode()),
        installed=Installed(**_nothing(connection, repository)),
        waiting_since=now,
        created_at=now,
    )
    session.add(hook)
    message = f"{actor.name} connected {app.slug} to {repository} at {connection.host}."
    record(session, app.id, "hook.created", message, now=now)
    return hook


def _provider_of(connection: Connection) -> str:
    own_bitbucket = connection.provider == "bitbucket" and not connection.api_url.endswith(_CLOUD)
    return "bitbucket-server" if own_bitbucket else connection.provider


async def _make_hook(context: Context, found: Installation) -> None:
    url = f"{context.settings.api_url}/webhooks/{found.hook.provider}/{found.hook.id}"
    secret = context.cipher.decrypt(found.hook.secret_encrypted).decode()
    hook_id = await found.host.create_hook(found.made.repository, HostedHook(url, secret, requests=True))
    await _keep(context, found, hook_id=hook_id)
    found.done.append(f"Webhook {hook_id} of {found.made.repository} tells {url} of pushes, checks and requests.")
    if any(part in url for part in _LOOPBACK):
        found.done.append(f"Nobody but this machine reaches {url}: set SLIPYARD_PUBLIC_URL, then connect again.")


async def _wants_key(context: Context, app: App, made: Installed, *, wanted: bool | None) -> bool:
    if made.deploy_key_id is not None or wanted is not None:
        return bool(wanted) and made.deploy_key_id is None
    if made.credential_id is not None:
        return True  # begun before, and not finished
    return app.config.source.credential_id is None and not await _is_public(context, app)


async def _is_public(context: Context, app: App) -> bool:
    try:
        remote = await resolve_remote(app.config.source.repo_url or "", None, context.settings.allowed_networks)
        await context.git.ls_remote(remote, "HEAD")
    except SourceRefused:
        return False
    return True


async def _make_key(context: Context, found: Installation, actor: Actor, ssh_url: str | None) -> None:
    url = ssh_url or f"ssh://git@{found.connection.host.partition(':')[0]}/{found.made.repository}.git"
    credential = await _credential(context, found, actor, url)
    title = f"Slipyard {found.app.slug}"
    key_id = await found.host.add_deploy_key(found.made.repository, title, credential.public_key or "")
    await _keep(context, found, deploy_key_id=key_id)
    before = found.app.config.source.repo_url
    source = found.app.config.source.model_copy(update={"repo_url": url, "credential_id": credential.id})
    config = found.app.config.model_copy(update={"source": source})
    found.app = await change_app(context, found.app.id, AppChanges(config=config), actor)
    await _keep(context, found, repo_url_before=before)
    found.done.append(
        f"Deploy key {key_id} ({title}, read-only) opens {found.made.repository}; it is fetched from {url}."
    )


async def _credential(context: Context, found: Installation, actor: Actor, url: str) -> GitCredentialRow:
    known = found.made.credential_id
    row = await context.database.reading(lambda session: session.get(GitCredentialRow, known)) if known else None
    if row is not None:
        return row
    name = f"{found.app.slug}-deploy-{short_id(found.hook.id)}"
    host = parse_git_url(url, context.settings.allowed_networks).origin().partition("://")[2]
    row = await make_credential(context, NewGitCredential(name, host, generate=True, app_id=found.app.id), actor)
    await _keep(context, found, credential_id=row.id)
    return row


async def _keep(context: Context, found: Installation, **made: str | None) -> None:
    found.made = found.made.model_copy(update=made)

    def keep(session: Session) -> None:
        hook = session.get_one(Hook, found.hook.id, with_for_update=True)
        hook.installed = found.made
        session.add(hook)

    await context.database.writing(keep)
