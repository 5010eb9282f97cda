"""Deleting is two steps: the app is marked and stops answering; the controller then removes what it leaves behind."""

from collections.abc import Sequence

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.pipeline.outside.disconnect_deleted import disconnect_deleted
from slipyard.pipeline.previews.close_preview import close_with
from slipyard.pipeline.stop_app import end_everything
from slipyard.pipeline.volumes.change_volume import mark_for_removal
from slipyard.store.events import record


async def delete_app(context: Context, app_id: str, actor: Actor, volumes: Sequence[str] = ()) -> list[str]:
    """What will be taken back at its code host, and which volumes stay, a sentence for each. Those that `volumes` names go
    with the app. `NotFound`, or `Conflict` where it is being deleted already."""

    def mark(session: Session) -> list[str]:
        app = changeable_app(session, app_id)
        now = context.clock.now()
        app.deleting_at, app.stopped = now, True
        session.add(app)
        end_everything(session, context, app, f"{actor.name} deleted the app")
        close_with(session, context, app, actor.name)
        record(session, app.id, "app.deleting", f"{app.slug} was deleted by {actor.name}.", now=now)
        left = mark_for_removal(session, app, list(volumes))
        return [*disconnect_deleted(session, context, app), *_left_behind(left)]

    taken_back = await context.database.writing(mark)
    await try_to_publish_hosts(context)
    return taken_back


def _left_behind(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [f"Left behind with their data: {', '.join(names)}; `slipyard volumes list --left-behind` shows them."]
