"""Which apps there are, found as people name them and as the controller looks for work."""

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, Domain


def find_app(session: Session, organization_id: str, id_or_slug: str) -> App:
    """Raises `NotFound` also for an app of somebody else, or one that was removed. One being deleted is still there."""
    query = select(App).where(App.organization_id == organization_id, col(App.deleted_at).is_(None))
    named = session.exec(query.where((col(App.id) == id_or_slug) | (col(App.slug) == id_or_slug))).first()
    if named is None:
        raise _no_app(id_or_slug)
    return named


def find_seen_app(session: Session, actor: Actor, id_or_slug: str) -> App:
    """`find_app` for somebody who may be bound to one app: the others are not there."""
    app = find_app(session, actor.organization_id, id_or_slug)
    if not actor.sees(app.id):
        raise _no_app(id_or_slug)
    return app


def is_slug_taken(session: Session, organization_id: str, slug: str) -> bool:
    query = select(App.id).where(App.organization_id == organization_id, App.slug == slug)
    return session.exec(query.where(col(App.deleted_at).is_(None))).first() is not None


def is_host_taken(session: Session, host: str) -> bool:
    """In the whole installation: a host leads to one app."""
    return is_given_host(session, host) or is_own_name(session, host)


def is_given_host(session: Session, host: str) -> bool:
    """Whether Slipyard gave it to an app."""
    query = select(App.id).where(App.host == host, col(App.deleted_at).is_(None))
    return session.exec(query).first() is not None


def is_own_name(session: Session, host: str) -> bool:
    """Whether an app has it as a domain of its own."""
    return session.exec(select(Domain.id).where(Domain.host == host)).first() is not None


def _no_app(id_or_slug: str) -> NotFound:
    return NotFound(f"There is no app {id_or_slug!r}; GET /v1/apps lists the apps that this token sees.")
