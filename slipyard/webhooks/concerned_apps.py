"""Which apps a message is about: one hook of a repository feeds every app of the organization that is made from it."""

from sqlalchemy import String, cast
from sqlmodel import Session, col, or_, select

from slipyard.domain.announcement import Announcement, Kind
from slipyard.domain.repository_key import repository_key
from slipyard.pipeline.builds.take_pushed_image import follows_image
from slipyard.store.tables import App

_OF_REPOSITORY = {Kind.PUSH, Kind.REQUEST, Kind.CHECK}


def concerned_apps(session: Session, own: App, said: Announcement | None) -> list[App]:
    """The hook's own app first, whatever it is. Previews follow their request and nothing else."""
    if said is None or said.kind not in {*_OF_REPOSITORY, Kind.IMAGE}:
        return [own]
    names = _names(own, said)
    others = [app for app in _others(session, own, names) if _is_meant(own, app, said)] if names else []
    return [own, *others]


def _is_meant(own: App, app: App, said: Announcement) -> bool:
    if said.kind is Kind.IMAGE:
        return follows_image(app, said.images)
    key = repository_key(own.config.source.repo_url)
    return key is not None and key == repository_key(app.config.source.repo_url)


def _names(own: App, said: Announcement) -> set[str]:
    """The last part of the repository or of each image, which stands in the configuration of whoever is meant."""
    if said.kind is Kind.IMAGE:
        return {image.repository.rpartition("/")[2] for image in said.images}
    key = repository_key(own.config.source.repo_url)
    return {key.rpartition("/")[2]} if key else set()


def _others(session: Session, own: App, names: set[str]) -> list[App]:
    """A look at the text first: reading the configuration of hundreds of apps for each delivery would cost far more."""
    text = cast(col(App.config), String)
    query = (
        select(App)
        .where(App.organization_id == own.organization_id, App.id != own.id)
        .where(col(App.deleting_at).is_(None), col(App.parent_id).is_(None))
        .where(or_(*(text.contains(name, autoescape=True) for name in sorted(names))))
    )
    return list(session.exec(query.order_by(col(App.id))))
