"""The app that shows a preview: a row like every other, with the app that it previews as its parent."""

import secrets

from sqlmodel import Session

from slipyard.domain.ids import new_id
from slipyard.domain.naming import default_host
from slipyard.domain.preview import preview_config, preview_env, preview_slug
from slipyard.pipeline.context import Context
from slipyard.store.environment import env_of, set_env
from slipyard.store.events import record
from slipyard.store.queries.apps import is_host_taken, is_slug_taken
from slipyard.store.tables import App, Organization, Preview

ENVIRONMENT = "preview"


def make_preview_app(session: Session, context: Context, parent: App, row: Preview) -> App | None:
    """None while its name belongs to another app: one before it may still be on its way out."""
    session.get_one(Organization, parent.organization_id, with_for_update=True)  # as for every new name
    slug = preview_slug(parent.slug, row.number, row.head_ref)
    if is_slug_taken(session, parent.organization_id, slug):
        return None
    app_id, now = new_id("app"), context.clock.now()
    domain = context.settings.domain
    taken = is_host_taken(session, default_host(slug, app_id, domain, taken=False))
    app = App(
        id=app_id,
        organization_id=parent.organization_id,
        parent_id=parent.id,
        slug=slug,
        name=f"{parent.name}: {row.title or row.head_ref}"[:100],
        environment=ENVIRONMENT,
        config=preview_config(parent.config, row.head_ref, fork=row.fork, own_url=row.fork_url),
        host=default_host(slug, app_id, domain, taken=taken),
        repository_secret=secrets.token_hex(16),
        created_at=now,
        updated_at=now,
    )
    session.add(app)
    session.flush()
    row.preview_app_id = app_id
    record(session, app_id, "app.created", f"{slug} was created as a preview of {parent.slug}.", now=now)
    return app


def take_over(session: Session, context: Context, parent: App, app: App, row: Preview) -> None:
    """With every new commit: what the app is told to be now, and of its variables those that previews may have."""
    app.config = preview_config(parent.config, row.head_ref, fork=row.fork, own_url=row.fork_url)
    app.updated_at = context.clock.now()
    env = preview_env(parent.config, env_of(session, context.cipher, parent.id), fork=row.fork)
    set_env(session, context.cipher, app.id, dict(env), replace=True, now=app.updated_at)
    session.add(app)
