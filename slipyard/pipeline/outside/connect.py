"""Connecting to a code host: a token is tried there before it is stored, and bound to that host."""

from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from slipyard.clients.code_hosts.choose import addresses_of, open_code_host, repository_name
from slipyard.clients.code_hosts.code_host import CodeHost
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.queries.connections import find_connection, repository_url
from slipyard.store.queries.messages import taking_back
from slipyard.store.tables import App, Connection, Hook


@dataclass(frozen=True)
class NewConnection:
    """`url` is the host as people open it, None for the provider's own."""

    provider: str
    token: str = field(repr=False)
    url: str | None = None


async def connect(context: Context, asked: NewConnection, actor: Actor) -> Connection:
    """Another token for the same host takes the place of the one before; its id stays.

    `CodeHostRefused` where the host does not take the token, `Unavailable` where it does not answer, `SourceRefused`
    where it may not be called.
    """
    networks = context.settings.allowed_networks
    host, api_url = addresses_of(asked.provider, asked.url, networks)
    account = await open_code_host(asked.provider, api_url, asked.token, networks).account()
    row = Connection(
        id=new_id("con"),
        organization_id=actor.organization_id,
        provider=asked.provider,
        host=host,
        api_url=api_url,
        account=account,
        token_encrypted=context.cipher.encrypt(asked.token.encode()),
        created_at=context.clock.now(),
    )
    return await context.database.writing(lambda session: _store(session, row))


async def remove_connection(context: Context, id_or_host: str, actor: Actor) -> Connection:
    """`Conflict` while a webhook that was made through it is still there: only it could take that back."""

    def remove(session: Session) -> Connection:
        row = find_connection(session, actor.organization_id, id_or_host)
        apps = _apps_connected_by(session, row)
        if apps:
            raise Conflict(
                f"The connection to {row.host} made the webhooks of {', '.join(apps)}. Disconnect them first, so that they "
                "are taken back there."
            )
        if taking_back(session, row.id):
            raise Conflict(
                f"What the connection to {row.host} made for an app that was deleted is still being taken back there. Remove it "
                f"once {row.host} has answered; where its token is not good any more, connect with another one first."
            )
        session.delete(row)
        return row

    return await context.database.writing(remove)


def code_host_for(context: Context, connection: Connection) -> CodeHost:
    """The door to the API of its host. Dials nothing yet."""
    token = context.cipher.decrypt(connection.token_encrypted).decode()
    return open_code_host(connection.provider, connection.api_url, token, context.settings.allowed_networks)


def repository_at(connection: Connection, app: App) -> str:
    """What the API of the host calls the app's repository: `owner/name`. Only for an app that has a repository URL."""
    url = repository_url(app)
    if url is None:
        raise Conflict(f"{app.slug} has no repository at {connection.host}.")
    return repository_name(connection.provider, connection.api_url, url)


def _store(session: Session, row: Connection) -> Connection:
    query = select(Connection).where(
        Connection.organization_id == row.organization_id,
        Connection.provider == row.provider,
        Connection.host == row.host,
    )
    known = session.exec(query).first()
    if known is None:
        session.add(row)
        return row
    known.api_url, known.account, known.token_encrypted = row.api_url, row.account, row.token_encrypted
    session.add(known)
    return known


def _apps_connected_by(session: Session, row: Connection) -> list[str]:
    query = select(Hook, App.slug).join(App, col(Hook.app_id) == col(App.id))
    mine = query.where(App.organization_id == row.organization_id, col(Hook.deleted_at).is_(None))
    hooks = session.exec(mine.where(col(App.deleted_at).is_(None))).all()
    return sorted({slug for hook, slug in hooks if hook.installed and hook.installed.connection_id == row.id})
