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


def find_removed_app(session: Session, organization_id: str, app_id: str) -> App:
    """For administrators who ask: by id only, since the slug may belong to another app by now."""
    app = session.exec(select(App).where(App.organization_id == organization_id, App.id == app_id)).first()
    if app is None:
        raise NotFound(f"There is and was no app {app_id!r} in this organization; check the id.")
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


def count_apps(session: Session, organization_id: str) -> int:
    """What the quota `max_apps` counts: an app that is being deleted counts no more."""
    query = select(App.id).where(App.organization_id == organization_id, col(App.deleting_at).is_(None))
    query = query.where(col(App.parent_id).is_(None))  # previews have a cap of their own
    return len(session.exec(query.where(col(App.deleted_at).is_(None))).all())


def living_apps(session: Session) -> list[App]:
    """Everything that the controller keeps in shape, in the order of making."""
    query = select(App).where(col(App.deleting_at).is_(None), col(App.deleted_at).is_(None))
    return list(session.exec(query.order_by(col(App.id))))


def apps_to_clean_up(session: Session, limit: int = 100) -> list[App]:
    """Asked to be deleted and not removed yet; the longest waiting first, so that one that fails starves nobody."""
    query = select(App).where(col(App.deleting_at).is_not(None), col(App.deleted_at).is_(None))
    return list(session.exec(query.order_by(col(App.deleting_at), col(App.id)).limit(limit)))


def issued_subnets(session: Session) -> set[str]:
    return {subnet for subnet in session.exec(select(App.subnet)) if subnet is not None}


def _no_app(id_or_slug: str) -> NotFound:
    return NotFound(f"There is no app {id_or_slug!r}; GET /v1/apps lists the apps that this token sees.")
