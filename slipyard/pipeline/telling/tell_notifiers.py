"""What a notifier is told: one payload for each event that it asked for (docs/guide.md shows them)."""

from typing import Any

from sqlmodel import Session

from slipyard.domain.notifier import NotifierKind
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.holds import REPEATS
from slipyard.pipeline.telling.outbox import MessageKind, Note, write_note
from slipyard.store.queries.notifiers import notifiers_for
from slipyard.store.tables import App, Deployment, Event, Instance

ROLLBACK = "rollback"
_WORDS = {
    "deployment.failed": "failed",
    "deployment.rolled_back": "rolled_back",
    "instance.healed": "healed",
    "alert.firing": "alert",
    "alert.resolved": "resolved",
    "volume.full": "alert",
    "volume.has_room": "resolved",
    "backup.failed": "backup_failed",
}


def notifier_notes(session: Session, context: Context, app: App, event: Event) -> None:
    deployment = _deployment_of(session, event)
    what = _what(event, deployment)
    if what is None:
        return
    for notifier in notifiers_for(session, app, what):
        kind: MessageKind = "webhook" if notifier.kind == NotifierKind.WEBHOOK else "notification"
        payload = _payload(context, app, event, what, deployment)
        key = f"{event.id}:{notifier.id}"
        # In order for each deployment; a receiver that chokes on one message still gets the others.
        lane = f"{key if deployment is None else deployment.id}:{notifier.id}"
        write_note(session, context, app, Note(key, kind, notifier.id, lane, payload, event.sequence))


def _what(event: Event, deployment: Deployment | None) -> str | None:
    """The word of `domain/notifier.py`, or None for what nobody is told. Starting again is no deployment."""
    trigger = deployment.trigger if deployment else ""
    match event.kind:
        case "deployment.active" if deployment is not None and deployment.rolls_back is not None:
            return None  # the one that went bad says it, with the reason
        case "deployment.active" if trigger not in REPEATS:
            return "rolled_back" if trigger == ROLLBACK else "deployed"
        case _:
            return _WORDS.get(event.kind)


def _deployment_of(session: Session, event: Event) -> Deployment | None:
    named = event.data.get("deployment_id")
    if named is None and event.data.get("instance_id"):
        instance = session.get(Instance, str(event.data["instance_id"]))
        named = instance.deployment_id if instance else None
    return session.get(Deployment, str(named)) if named else None


def _payload(context: Context, app: App, event: Event, what: str, deployment: Deployment | None) -> dict[str, Any]:
    return {
        "type": f"app.{what}",
        "timestamp": event.created_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "message": event.message,
            "app": {
                "id": app.id,
                "slug": app.slug,
                "name": app.name,
                "environment": app.environment,
                "url": context.settings.app_url(app.host),
            },
            "deployment": _deployment(deployment),
            **({"alert": event.data["alert"]} if "alert" in event.data else {}),
        },
    }


def _deployment(row: Deployment | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": row.id,
        "number": row.number,
        "trigger": row.trigger,
        "actor": row.actor,
        "title": row.title,
        "commit": row.commit,
        "error": row.error,
    }
