"""Tokens for the APIs of code hosts, and which of them an app's repository belongs to."""

from ipaddress import ip_network

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound, SourceRefused
from slipyard.domain.git_url import GitUrl, parse_git_url
from slipyard.store.tables import App, Connection

# Whether a URL may be called was judged when the app was made; here only its parts are wanted.
_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
# Where the well-known hosts take ssh on port 443.
_SSH_ELSEWHERE = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}


def list_connections(session: Session, organization_id: str) -> list[Connection]:
    """By provider and host."""
    query = select(Connection).where(Connection.organization_id == organization_id)
    return list(session.exec(query.order_by(col(Connection.provider), col(Connection.host))))


def find_connection(session: Session, organization_id: str, id_or_host: str) -> Connection:
    """By id, host or provider. `NotFound` also where a provider has several of them, or it is somebody else's."""
    rows = list_connections(session, organization_id)
    for name in ("id", "host", "provider"):
        named = [row for row in rows if getattr(row, name) == id_or_host]
        if len(named) == 1:
            return named[0]
    raise NotFound(
        f"There is no one connection {id_or_host!r}; GET /v1/connections lists them by id, host and provider."
    )


def connection_for(session: Session, app: App) -> Connection | None:
    """That of the app's organization to the host where its repository lies. None for its own remote, uploads, images."""
    url = repository_url(app)
    if url is None:
        return None
    return next((row for row in list_connections(session, app.organization_id) if _serves(row, url)), None)


def repository_url(app: App) -> GitUrl | None:
    if app.config.source.repo_url is None:
        return None
    try:
        return parse_git_url(app.config.source.repo_url, _ANYWHERE)
    except SourceRefused:
        return None  # such as a metadata address, which no network opens


def _serves(row: Connection, url: GitUrl) -> bool:
    """ssh has a port of its own, so that there only the name counts."""
    if url.scheme == "ssh":
        return row.host.partition(":")[0] == _SSH_ELSEWHERE.get(url.host, url.host)
    return row.host == url.origin().partition("://")[2]
