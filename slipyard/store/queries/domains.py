"""Which names lead to which app, and whose they are."""

from collections.abc import Sequence

from sqlmodel import Session, col, delete, select

from slipyard.domain.errors import NotFound
from slipyard.domain.ids import is_id
from slipyard.store.tables import App, Domain, HostCertificate, RouteRulesRow


def domains_of(session: Session, app_id: str) -> list[Domain]:
    """By name, the longest path first, as the router looks at them."""
    rows = session.exec(select(Domain).where(Domain.app_id == app_id)).all()
    return sorted(rows, key=lambda row: (row.host, -len(row.path), row.path))


def domains_by_app(session: Session, app_ids: Sequence[str]) -> dict[str, list[str]]:
    """The names alone, each once."""
    query = select(Domain.app_id, Domain.host).where(col(Domain.app_id).in_(app_ids)).distinct()
    found: dict[str, list[str]] = {}
    for app_id, host in session.exec(query.order_by(col(Domain.host))):
        found.setdefault(app_id, []).append(host)
    return found


def find_domain(session: Session, app: App, id_or_host: str) -> Domain:
    """By id, or by name: the whole name where that is the app's, else its one path there."""
    rows = domains_of(session, app.id)
    if is_id(id_or_host, "dom"):
        found = [row for row in rows if row.id == id_or_host]
    else:
        named = [row for row in rows if row.host == id_or_host.strip().lower()]
        found = [row for row in named if row.path == "/"] or named
    if len(found) != 1:
        raise NotFound(
            f"{app.slug} has no domain {id_or_host!r}, or several paths of it. `slipyard domains list {app.slug}` shows"
            " what it has, with ids."
        )
    return found[0]


def domains_at(session: Session, hosts: Sequence[str]) -> list[Domain]:
    """Of every organization."""
    return list(session.exec(select(Domain).where(col(Domain.host).in_(hosts)).order_by(col(Domain.id))))


def all_domains(session: Session) -> list[Domain]:
    """Those of apps that are there, and whose proof is not missing."""
    there = select(App.id).where(col(App.deleting_at).is_(None), col(App.deleted_at).is_(None))
    query = select(Domain).where(col(Domain.app_id).in_(there), col(Domain.verified_at).is_not(None))
    return list(session.exec(query.order_by(col(Domain.id))))


def pending_domains(session: Session) -> list[Domain]:
    """Those whose proof is missing."""
    return list(session.exec(select(Domain).where(col(Domain.verified_at).is_(None)).order_by(col(Domain.id))))


def erase_domains(session: Session, app_id: str) -> None:
    """For an app that goes: its names are free, and certificates of names that nobody has are gone."""
    hosts = {row.host for row in domains_of(session, app_id)}
    session.execute(delete(Domain).where(col(Domain.app_id) == app_id))
    session.execute(delete(RouteRulesRow).where(col(RouteRulesRow.app_id) == app_id))
    forget_certificates(session, hosts)


def forget_certificates(session: Session, hosts: set[str]) -> None:
    """Of these hosts, as far as no domain is left."""
    session.flush()
    left = {row.host for row in domains_at(session, list(hosts))}
    session.execute(delete(HostCertificate).where(col(HostCertificate.host).in_(hosts - left)))
