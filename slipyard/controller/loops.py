"""What the leader does again and again, and how often. Each loop is one pass of a verb, with what it must remember."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count

from slipyard.pipeline.bake import bake
from slipyard.pipeline.clean_up_app import clean_up_apps
from slipyard.pipeline.clean_up_old import clean_up_old
from slipyard.pipeline.close_networks import NetworkWatch
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_pushes import PushWatch, find_pushes
from slipyard.pipeline.follow_routes import follow_routes
from slipyard.pipeline.go_on import go_on
from slipyard.pipeline.heal import HealWatch, heal
from slipyard.pipeline.judge_canary import CanaryWatch
from slipyard.pipeline.keep_previews import keep_previews
from slipyard.pipeline.pause_instances import keep_paused, pause_instances
from slipyard.pipeline.poll import poll
from slipyard.pipeline.publish_hosts import publish_hosts
from slipyard.pipeline.publish_image import publish_images
from slipyard.pipeline.reconcile_previews import HostWatch, reconcile_previews
from slipyard.pipeline.recover import LeaseWatch, recover_claims, wake_waiting
from slipyard.pipeline.retire_instances import DrainWatch, retire_instances
from slipyard.pipeline.send_messages import SendWatch, send_messages
from slipyard.pipeline.tell import tell

Pass = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Loop:
    """`start` gives a function that does one pass; `seconds` lie between two passes, or more where `waiting.py` knows
    that there is nothing to do."""

    name: str
    seconds: float
    start: Callable[[Context], Pass]


def _recover(context: Context) -> Pass:
    watch = LeaseWatch()
    return lambda: recover_claims(context, watch)


def _wake(context: Context) -> Pass:
    waiting: set[str] = set()

    async def one_pass() -> None:
        nonlocal waiting
        waiting = await wake_waiting(context, waiting)

    return one_pass


def _drain(context: Context) -> Pass:
    watch = DrainWatch()
    return lambda: retire_instances(context, watch)


def _set_aside(context: Context) -> Pass:
    watch = DrainWatch()
    return lambda: pause_instances(context, watch)


def _go_on(context: Context) -> Pass:
    watch = CanaryWatch()
    return lambda: go_on(context, watch)


def _bake(context: Context) -> Pass:
    watch = CanaryWatch()
    return lambda: bake(context, watch)


def _publish(context: Context) -> Pass:
    turns = count()
    return lambda: publish_images(context, next(turns))


def _heal(context: Context) -> Pass:
    watch = HealWatch()
    return lambda: heal(context, watch)


def _pushes(context: Context) -> Pass:
    watch = PushWatch()
    return lambda: find_pushes(context, watch)


def _send(context: Context) -> Pass:
    watch = SendWatch()
    return lambda: send_messages(context, watch)


def _close(context: Context) -> Pass:
    watch = NetworkWatch()
    return lambda: watch.close(context.close_networks)


def _requests(context: Context) -> Pass:
    watch = HostWatch()
    return lambda: reconcile_previews(context, watch)


LOOPS = (
    Loop("networks", 30.0, _close),
    Loop("tell", 1.0, lambda context: lambda: tell(context)),
    Loop("send", 1.0, _send),
    Loop("recover", 1.0, _recover),
    Loop("wake", 3.0, _wake),
    Loop("drain", 0.5, _drain),
    Loop("go_on", 0.5, _go_on),
    Loop("set_aside", 0.5, _set_aside),
    Loop("paused", 5.0, lambda context: lambda: keep_paused(context)),
    Loop("bake", 0.5, _bake),
    Loop("publish", 2.0, _publish),
    Loop("heal", 5.0, _heal),
    Loop("follow_routes", 2.0, lambda context: lambda: follow_routes(context)),
    Loop("hosts", 15.0, lambda context: lambda: publish_hosts(context)),
    Loop("pushes", 5.0, _pushes),
    Loop("poll", 5.0, lambda context: lambda: poll(context)),
    Loop("previews", 3.0, lambda context: lambda: keep_previews(context)),
    Loop("requests", 20.0, _requests),
    Loop("clean_up", 2.0, lambda context: lambda: clean_up_apps(context)),
    Loop("clean_up_old", 600.0, lambda context: lambda: clean_up_old(context)),
)
