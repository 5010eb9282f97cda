"""Which CI jobs may deploy which app."""

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, CiTrust


def trusts_of(session: Session, app_id: str) -> list[CiTrust]:
    return list(session.exec(select(CiTrust).where(CiTrust.app_id == app_id).order_by(col(CiTrust.id))))


def find_trust(session: Session, app_id: str, trust_id: str) -> CiTrust:
    found = session.exec(select(CiTrust).where(CiTrust.app_id == app_id, CiTrust.id == trust_id)).first()
    if found is None:
        raise NotFound(f"This app has no CI trust {trust_id!r}; `slipyard ci-trust list` shows those that there are.")
    return found


def trusts_in(session: Session, issuer: str) -> list[tuple[CiTrust, App]]:
    """All that name this issuer, of apps that are there."""
    joined = select(CiTrust, App).join(App, col(CiTrust.app_id) == col(App.id))
    living = joined.where(CiTrust.issuer == issuer, col(App.deleting_at).is_(None))
    return [(trust, app) for trust, app in session.exec(living.order_by(col(CiTrust.id)))]
