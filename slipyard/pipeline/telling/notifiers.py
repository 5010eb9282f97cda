"""Who is told of what: notifiers are made, changed, tried and removed. What they need to be told stays sealed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from slipyard.clients.apprise import check_apprise_url
from slipyard.clients.signed_webhook import new_signing_secret
from slipyard.domain.actor import Actor
from slipyard.domain.errors import SlipyardError
from slipyard.domain.ids import new_id
from slipyard.domain.notifier import NotifierKind
from slipyard.domain.outside_url import parse_outside_url
from slipyard.pipeline.context import Context
from slipyard.pipeline.telling.deliver_to_notifier import tell_notifier
from slipyard.store.queries.apps import find_app
from slipyard.store.queries.notifiers import find_notifier
from slipyard.store.tables import Notifier


@dataclass(frozen=True)
class NewNotifier:
    """`app` is an id or slug; None: every app of the organization."""

    name: str
    kind: str
    url: str = field(repr=False)
    events: Sequence[str]
    app: str | None = None


async def make_notifier(context: Context, asked: NewNotifier, actor: Actor) -> tuple[Notifier, str | None]:
    """With the secret that signs, which is shown this once. `SourceRefused` for a URL that may not be called."""
    await _check_url(context, asked.kind, asked.url)
    secret = new_signing_secret() if asked.kind == NotifierKind.WEBHOOK else None
    row = Notifier(
        id=new_id("ntf"),
        organization_id=actor.organization_id,
        name=asked.name,
        kind=asked.kind,
        url_encrypted=context.cipher.encrypt(asked.url.encode()),
        secret_encrypted=None if secret is None else context.cipher.encrypt(secret.encode()),
        events=list(asked.events),
        created_at=context.clock.now(),
    )

    def write(session: Session) -> None:
        row.app_id = None if asked.app is None else find_app(session, actor.organization_id, asked.app).id
        session.add(row)

    await context.database.writing(write)
    return row, secret


async def change_notifier(context: Context, id_or_name: str, changes: dict[str, Any], actor: Actor) -> Notifier:
    """`changes`: name, url, events, enabled. Turned on again, it begins without its earlier failures."""
    url = changes.pop("url", None)
    row = await context.database.reading(lambda session: find_notifier(session, actor.organization_id, id_or_name))
    if url is not None:
        await _check_url(context, row.kind, url)
        changes["url_encrypted"] = context.cipher.encrypt(url.encode())

    def write(session: Session) -> Notifier:
        changed = session.get_one(Notifier, row.id)
        for name, value in changes.items():
            setattr(changed, name, value)
        if url is not None or changes.get("enabled"):
            changed.failed_in_a_row, changed.last_error = 0, None
        session.add(changed)
        return changed

    return await context.database.writing(write)


async def remove_notifier(context: Context, id_or_name: str, actor: Actor) -> Notifier:
    """What waits for it is given up."""

    def remove(session: Session) -> Notifier:
        row = find_notifier(session, actor.organization_id, id_or_name)
        session.delete(row)
        return row

    return await context.database.writing(remove)


async def try_notifier(context: Context, id_or_name: str, actor: Actor) -> str | None:
    """Sends one message now; None where it arrived, else why not."""
    row = await context.database.reading(lambda session: find_notifier(session, actor.organization_id, id_or_name))
    now = context.clock.now()
    try:
        await tell_notifier(context, row, new_id("msg"), _test_payload(row, actor, now))
    except SlipyardError as error:
        return error.message
    return None


def _test_payload(row: Notifier, actor: Actor, now: datetime) -> dict[str, Any]:
    message = f"{actor.name} tries the notifier {row.name}. It works where you can read this."
    return {"type": "test", "timestamp": now.isoformat().replace("+00:00", "Z"), "data": {"message": message}}


async def _check_url(context: Context, kind: str, url: str) -> None:
    if kind == NotifierKind.WEBHOOK:
        parse_outside_url(url, context.settings.allowed_networks)
    else:
        await check_apprise_url(url)
