"""Secrets for git hosts, and which apps use them."""

from sqlalchemy import Text, type_coerce
from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, GitCredentialRow


def list_credentials(session: Session, organization_id: str) -> list[GitCredentialRow]:
    """By name."""
    query = select(GitCredentialRow).where(GitCredentialRow.organization_id == organization_id)
    return list(session.exec(query.order_by(col(GitCredentialRow.name))))


def find_credential(session: Session, organization_id: str, id_or_name: str) -> GitCredentialRow:
    """Raises `NotFound` also for one of somebody else."""
    query = select(GitCredentialRow).where(GitCredentialRow.organization_id == organization_id)
    named = query.where((col(GitCredentialRow.id) == id_or_name) | (col(GitCredentialRow.name) == id_or_name))
    found = session.exec(named).first()
    if found is None:
        raise NotFound(
            f"There is no git credential {id_or_name!r} in this organization; GET /v1/git-credentials lists them."
        )
    return found


def apps_using(session: Session, credential_id: str) -> list[App]:
    """Those that were not removed yet, by slug."""
    mentioned = type_coerce(col(App.config), Text).contains(credential_id, autoescape=True)
    apps = session.exec(select(App).where(mentioned, col(App.deleted_at).is_(None)).order_by(col(App.slug)))
    return [app for app in apps if app.config.source.credential_id == credential_id]
