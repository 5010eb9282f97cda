"""One message goes out, once. What it raises says whether another attempt helps."""

from collections.abc import Awaitable, Callable

from slipyard.domain.errors import SystemFault
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.disconnect_deleted import deliver_taking_back
from slipyard.pipeline.telling.deliver_status import deliver_github_deployment, deliver_status
from slipyard.pipeline.telling.deliver_to_notifier import deliver_notification, deliver_webhook
from slipyard.pipeline.telling.send_comment import send_comment
from slipyard.store.tables import Message

_DOORS: dict[str, Callable[[Context, Message], Awaitable[None]]] = {
    "status": deliver_status,
    "github_deployment": deliver_github_deployment,
    "comment": send_comment,
    "webhook": deliver_webhook,
    "notification": deliver_notification,
    "take_back": deliver_taking_back,
}


async def deliver(context: Context, message: Message) -> None:
    """`UserError` where the same message would be refused again, `SystemFault` where it may arrive later."""
    door = _DOORS.get(message.kind)
    if door is None:
        raise SystemFault(f"There is nobody who sends a {message.kind!r}; this is a mistake of Slipyard.")
    await door(context, message)
