"""A message to whoever asked to be told: as a signed request, or through Apprise."""

from typing import Any

from slipyard.clients.apprise import send_by_apprise
from slipyard.clients.signed_webhook import Gone, send_webhook
from slipyard.domain.errors import Conflict
from slipyard.pipeline.context import Context
from slipyard.store.tables import Message, Notifier

_TITLES = {
    "app.deployed": "{app} is live",
    "app.failed": "{app} was not deployed",
    "app.rolled_back": "{app} went back",
    "app.healed": "{app} was healed",
    "app.alert": "{app}: an alert",
    "app.resolved": "{app}: an alert is over",
    "app.backup_failed": "{app} was not backed up",
    "test": "A test by Slipyard",
}


async def deliver_webhook(context: Context, message: Message) -> None:
    """A receiver that answers 410 does not want to be told any more: its notifier is turned off."""
    notifier = await _notifier(context, message)
    try:
        await tell_notifier(context, notifier, message.id, message.payload)
    except Gone:
        await context.database.writing(lambda session: _turn_off(session.get_one(Notifier, notifier.id)))
        raise


async def deliver_notification(context: Context, message: Message) -> None:
    notifier = await _notifier(context, message)
    await tell_notifier(context, notifier, message.id, message.payload)


async def tell_notifier(context: Context, notifier: Notifier, message_id: str, payload: dict[str, Any]) -> None:
    """Sends at once. `message_id` stays through all attempts, so that a receiver knows what it has had already."""
    url = context.cipher.decrypt(notifier.url_encrypted).decode()
    networks = context.settings.allowed_networks
    if notifier.secret_encrypted is not None:
        secret = context.cipher.decrypt(notifier.secret_encrypted).decode()
        await send_webhook(url, secret, message_id, payload, networks, context.clock.now())
    else:
        title, body = in_words(payload)
        await send_by_apprise(url, title, body, networks)


def in_words(payload: dict[str, Any]) -> tuple[str, str]:
    """Title and text, for people."""
    data = payload["data"]
    app, deployment = data.get("app") or {}, data.get("deployment") or {}
    title = _TITLES[payload["type"]].format(app=app.get("name", ""))
    lines = [data["message"]]
    if deployment:
        commit = f", {deployment['commit'][:12]}" if deployment.get("commit") else ""
        lines.append(f"Deployment {deployment['number']} by {deployment['actor']}{commit}")
    if app:
        lines.append(app["url"])
    return title, "\n".join(lines)


async def _notifier(context: Context, message: Message) -> Notifier:
    found = await context.database.reading(lambda session: session.get(Notifier, message.target_id))
    if found is None or not found.enabled:
        raise Conflict("The notifier was removed or turned off meanwhile.")
    return found


def _turn_off(notifier: Notifier) -> None:
    notifier.enabled = False
