"""The outbox is emptied: what is due is sent, each lane in order, and one dead target slows nobody else."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

import structlog
from sqlmodel import Session

from slipyard.domain.errors import AskedToWait, SlipyardError, UserError
from slipyard.pipeline.context import Context
from slipyard.pipeline.telling.deliver import deliver
from slipyard.pipeline.telling.send_schedule import KEPT, KEPT_LONGER, next_attempt
from slipyard.store.events import lock_app, record
from slipyard.store.queries.messages import are_waiting, claim_message, due_messages
from slipyard.store.tables import Message, Notifier

_AT_ONCE = 16
_AT_ONCE_TO_DOUBTFUL = 8  # targets whose last message did not arrive share half of the places
_AT_ONCE_TO_ONE = 2
_SLOW_KINDS = ("notification",)
_AT_ONCE_BY_APPRISE = 2  # each is a process of some 60 MiB
_CLAIMED = timedelta(seconds=120)  # longer than any attempt takes
_LOOK_SECONDS = 1.0
_log = structlog.get_logger()


@dataclass
class SendWatch:
    """Which targets did not answer last, and until when (seconds of the boot clock) one asked to be left alone."""

    doubtful: set[str] = field(default_factory=set)
    resting: dict[str, float] = field(default_factory=dict)
    random: Random = field(default_factory=Random)


Running = dict[asyncio.Task[None], Message]


async def send_messages(context: Context, watch: SendWatch) -> bool:
    """Until nothing is due. True where some wait for another attempt."""
    running: Running = {}
    try:
        while await _fill(context, watch, running):
            await asyncio.wait(running, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            _let_go(running)
    finally:
        await _stop(running)
    return await context.database.reading(are_waiting)


async def _fill(context: Context, watch: SendWatch, running: Running) -> bool:
    """Whether anything is under way."""
    while len(running) < _AT_ONCE:
        now, full = context.clock.now(), _full(watch, running, context.clock.monotonic())
        due = await context.database.reading(partial(due_messages, now=now, without=full))
        begun = [message for message in due if _begin(context, watch, running, message)]
        if not begun:
            break
    return bool(running)


def _begin(context: Context, watch: SendWatch, running: Running, message: Message) -> bool:
    """Places are counted again for each: the ones before it have just taken some."""
    full = _full(watch, running, context.clock.monotonic())
    under_way = {each.id for each in running.values()}
    if len(running) >= _AT_ONCE or message.id in under_way or {message.target_id, message.kind} & full:
        return False
    running[asyncio.create_task(_send(context, watch, message))] = message
    return True


def _full(watch: SendWatch, running: Running, now: float) -> set[str]:
    """Targets and kinds that get nothing more for now. They are left out of the query, so that a thousand messages for
    one of them do not stand before those for others."""
    to_target = Counter(each.target_id for each in running.values())
    of_kind = Counter(each.kind for each in running.values())
    to_doubtful = sum(count for target, count in to_target.items() if target in watch.doubtful)
    resting = {target for target, until in watch.resting.items() if now < until}
    busy = {target for target, count in to_target.items() if count >= _AT_ONCE_TO_ONE or target in watch.doubtful}
    doubtful = watch.doubtful if to_doubtful >= _AT_ONCE_TO_DOUBTFUL else set()
    return resting | busy | doubtful | {kind for kind in _SLOW_KINDS if of_kind[kind] >= _AT_ONCE_BY_APPRISE}


async def _send(context: Context, watch: SendWatch, message: Message) -> None:
    until = context.clock.now() + _CLAIMED
    if not await context.database.writing(lambda session: claim_message(session, message, until)):
        return
    try:
        await deliver(context, message)
    except SlipyardError as error:
        await _missed(context, watch, message, error)
    except Exception as error:  # noqa: BLE001 - one message that breaks its door must not stop the others
        _log.exception("message_broke", message_id=message.id)
        await _missed(context, watch, message, SlipyardError(f"Slipyard broke: {type(error).__name__}."))
    else:
        watch.doubtful.discard(message.target_id)
        await context.database.writing(lambda session: _arrived(session, message, context.clock.now()))


async def _missed(context: Context, watch: SendWatch, message: Message, error: SlipyardError) -> None:
    now = context.clock.now()
    moment = None
    if not isinstance(error, UserError):
        watch.doubtful.add(message.target_id)
        kept = KEPT_LONGER.get(message.kind, KEPT)
        moment = next_attempt(message.attempts + 1, message.created_at, now, watch.random, kept)
    if isinstance(error, AskedToWait):
        watch.resting[message.target_id] = context.clock.monotonic() + error.seconds
        moment = moment and max(moment, now + timedelta(seconds=error.seconds))
    _log.info("message_missed", message_id=message.id, kind=message.kind, error=error.message, again_at=str(moment))
    await context.database.writing(lambda session: _note_missed(session, message, error.message, moment, now))


def _let_go(running: Running) -> None:
    """Of what is done. How one went could not be noted: its claim ends, and it is sent again."""
    for task in [task for task in running if task.done()]:
        message = running.pop(task)
        if task.exception() is not None:
            _log.error("message_not_noted", message_id=message.id, exc_info=task.exception())


def _arrived(session: Session, message: Message, now: datetime) -> None:
    row = session.get_one(Message, message.id)
    row.finished_at, row.delivered, row.error = now, True, None
    session.add(row)
    _note_notifier(session, message, None)


def _note_missed(session: Session, message: Message, error: str, moment: datetime | None, now: datetime) -> None:
    """Given up is an event of the app, so that somebody sees it."""
    if moment is None:
        lock_app(session, message.app_id)
    row = session.get_one(Message, message.id)
    row.error = error
    session.add(row)
    _note_notifier(session, message, error)
    if moment is not None:
        row.next_at = moment
        return
    row.finished_at = now
    sentence = f"Given up after {row.attempts} attempts to send a {message.kind.replace('_', ' ')}: {error}"
    record(session, message.app_id, "message.given_up", sentence, now=now, message_id=message.id)


def _note_notifier(session: Session, message: Message, error: str | None) -> None:
    notifier = session.get(Notifier, message.target_id)
    if notifier is not None:
        notifier.last_error = error
        notifier.failed_in_a_row = 0 if error is None else notifier.failed_in_a_row + 1
        session.add(notifier)


async def _stop(running: Running) -> None:
    """The lease was lost: what is under way is taken up by whoever leads next, once its claim is over."""
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running)
