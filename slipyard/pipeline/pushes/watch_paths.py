"""Which files of a repository concern an app: as it was told, else as its repository said when it was last built."""

import posixpath

from sqlmodel import Session, col, select

from slipyard.domain.app import AppConfig
from slipyard.domain.manifests.slipyard_yaml import SLIPYARD_YAML
from slipyard.store.tables import App, Release


def watching_config(session: Session, app: App) -> AppConfig:
    """With the paths of the newest release where the app was told none, and with the file that names them: so that a push
    that changes only them is not skipped."""
    if app.config.watch_paths or app.last_release == 0:
        return app.config
    query = select(col(Release.config)).where(Release.app_id == app.id).order_by(col(Release.number).desc()).limit(1)
    config = session.exec(query).first()
    paths = () if config is None else config.origin.manifest.watch_paths
    if not paths:
        return app.config
    own = posixpath.join(app.config.source.subdirectory, SLIPYARD_YAML)
    return app.config.model_copy(update={"watch_paths": [*paths, own]})
