"""Webhooks and their deliveries."""

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, Delivery, Hook


def find_hook(session: Session, hook_id: str, provider: str) -> Hook:
    """As the URL names it. Raises `NotFound` alike for one that never was, was removed, or is another provider's."""
    query = (
        select(Hook)
        .join(App, col(Hook.app_id) == col(App.id))
        .where(Hook.id == hook_id, Hook.provider == provider)
        .where(col(Hook.deleted_at).is_(None), col(App.deleting_at).is_(None), col(App.deleted_at).is_(None))
    )
    hook = session.exec(query).first()
    if hook is None:
        raise NotFound("There is no such webhook. Copy its address again from the app's page, or remove it there.")
    return hook


def hooks_of(session: Session, app_id: str) -> list[Hook]:
    query = select(Hook).where(Hook.app_id == app_id, col(Hook.deleted_at).is_(None))
    return list(session.exec(query.order_by(col(Hook.id))))


def hook_of(session: Session, app: App, hook_id: str) -> Hook:
    found = next((hook for hook in hooks_of(session, app.id) if hook.id == hook_id), None)
    if found is None:
        raise NotFound(f"{app.slug} has no webhook {hook_id!r}; GET .../webhooks lists them.")
    return found


def first_hook(session: Session, app: App) -> Hook:
    found = next(iter(hooks_of(session, app.id)), None)
    if found is None:
        raise NotFound(f"{app.slug} has no webhook yet; POST .../webhooks makes one.")
    return found


def undecided_deliveries(session: Session, limit: int = 100, after: str = "") -> list[Delivery]:
    """Written down, and then whoever took them died. Oldest first, those behind the id `after`."""
    query = select(Delivery).where(col(Delivery.verdict).is_(None), Delivery.id > after).order_by(col(Delivery.id))
    return list(session.exec(query.limit(limit)))
