"""From which build, through which apps, an image came to where it is."""

from sqlmodel import Session

from slipyard.domain.schemas.work_output import ChainLink
from slipyard.store.tables import App, Build, Deployment

_LONGEST = 50


def chain_of(session: Session, row: Deployment) -> list[ChainLink]:
    """Oldest first, ends with `row`; empty where it was promoted from nowhere. Apps that are deleted are named too."""
    if row.promoted_from is None:
        return []
    links: list[Deployment] = [row]
    while len(links) < _LONGEST and (before := session.get(Deployment, links[0].promoted_from or "")) is not None:
        links.insert(0, before)
    build = session.get(Build, links[0].build_id) if links[0].build_id else None
    return [*([_link(session, "build", build)] if build else []), *(_link(session, "deployment", at) for at in links)]


def _link(session: Session, kind: str, row: Build | Deployment) -> ChainLink:
    app = session.get_one(App, row.app_id)
    return ChainLink(
        kind=kind,
        id=row.id,
        number=row.number,
        status=str(row.status),
        app_id=app.id,
        app=app.slug,
        environment=app.environment,
        finished_at=row.finished_at,
    )
