"""A link that lets one browser in, once: made in the local data directory, so only its owner can make one."""

from slipyard.domain.clock import SystemClock
from slipyard.domain.errors import NotFound
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.store.database import Database
from slipyard.store.installation import database_url
from slipyard.store.tokens import find_token, new_login_link


def make_login_link(settings: Settings, layout: Layout) -> str:
    """The URL. `NotFound` where there is no installation here, or its administrator's token was revoked."""
    try:
        secret = layout.admin_token.read_text().strip()
    except OSError:
        raise NotFound(
            f"{layout.admin_token} is not there, so no link can be made. Run `slipyard up` first, or set SLIPYARD_HOME"
            " to the data directory of the installation."
        ) from None
    database = Database(database_url(settings))
    try:
        return f"{settings.api_url}/login/{_new_secret(database, secret)}"
    finally:
        database.dispose()


def _new_secret(database: Database, administrator: str) -> str:
    now = SystemClock().now()
    with database.write() as session:
        token = find_token(session, administrator, now)
        if token is None:
            raise NotFound("The token in admin.token was revoked or has expired. Make another one, then try again.")
        return new_login_link(session, token.id, now)
