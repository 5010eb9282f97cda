"""A preview as it is answered."""

from collections.abc import Sequence

from sqlmodel import Session

from slipyard.api.views.surroundings import surroundings
from slipyard.domain.app_status import app_status
from slipyard.domain.schemas.preview_output import PreviewView
from slipyard.domain.settings import Settings
from slipyard.store.queries.previews import preview_apps
from slipyard.store.tables import App, Preview


def preview_views(session: Session, settings: Settings, rows: Sequence[Preview]) -> list[PreviewView]:
    apps = preview_apps(session, rows)
    around = surroundings(session, list(apps.values()))
    statuses = {app_id: str(app_status(around[app_id].facts)[0]) for app_id in apps}
    return [_view(settings, row, apps.get(row.preview_app_id or ""), statuses) for row in rows]


def _view(settings: Settings, row: Preview, app: App | None, statuses: dict[str, str]) -> PreviewView:
    closed = row.closed_at is not None
    live = app is not None and app.last_deployed_at is not None and not closed
    return PreviewView(
        id=row.id,
        number=row.number,
        app_id=row.app_id,
        preview_app_id=row.preview_app_id,
        slug=app.slug if app else None,
        status="closed" if closed else statuses[app.id] if app else "waiting",
        reason=row.reason,
        preview_url=settings.app_url(app.host) if app and live else None,
        provider=row.provider,
        repository=row.repository,
        branch=row.head_ref,
        commit=row.head_commit,
        approved_commit=row.approved_commit,
        fork=row.fork,
        title=row.title,
        author=row.author,
        request_url=row.url,
        last_commit_at=row.seen_at,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )
