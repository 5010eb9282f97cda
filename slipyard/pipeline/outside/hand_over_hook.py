"""A webhook whose app is deleted goes to another app that it feeds: one hook of a repository feeds all apps made from it."""

from sqlalchemy import String, cast
from sqlmodel import Session, col, select

from slipyard.domain.errors import SlipyardError
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.repository_key import repository_key
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.hooks import hooks_of
from slipyard.store.tables import App, Hook


def heir_of_hooks(session: Session, app: App) -> App | None:
    """None where nobody else is fed, or one of them has a webhook of its own that is heard of: it feeds the others too."""
    fed = _fed_too(session, app)
    if any(_is_heard(hook) for other in fed for hook in hooks_of(session, other.id)):
        return None
    return fed[0] if fed else None


def hand_over_hook(session: Session, context: Context, hook: Hook, app: App, heir: App) -> str:
    """What was done, as a sentence. Its deliveries so far stay with the app that is deleted."""
    hook.app_id = heir.id
    session.add(hook)
    message = f"The {hook.provider} webhook of {app.slug} is one of {heir.slug} from now on, which it feeds too."
    record(session, heir.id, "hook.handed_over", message, now=context.clock.now())
    return message


def _fed_too(session: Session, app: App) -> list[App]:
    """Made from the same repository or image, in the order of making. A look at the text first, as `concerned_apps` does."""
    key = _key(app.config.source)
    if key is None:
        return []
    mentioned = cast(col(App.config), String).contains(key.rpartition("/")[2], autoescape=True)
    query = select(App).where(App.organization_id == app.organization_id, App.id != app.id, mentioned)
    query = query.where(col(App.deleting_at).is_(None), col(App.deleted_at).is_(None), col(App.parent_id).is_(None))
    return [other for other in session.exec(query.order_by(col(App.id))) if _key(other.config.source) == key]


def _key(source: Source) -> str | None:
    if source.type is not SourceType.IMAGE:
        return repository_key(source.repo_url)
    try:
        return parse_image_reference(source.image or "").repository
    except SlipyardError:
        return None


def _is_heard(hook: Hook) -> bool:
    made = hook.installed is not None and bool(hook.installed.hook_id)
    return made or hook.waiting_since is None
