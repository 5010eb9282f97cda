"""What the leader does again and again, and how often. Each loop is one pass of a verb, with what it must remember."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from slipyard.pipeline.backups.back_up import BackupWatch, back_up
from slipyard.pipeline.builds.publish_image import publish_images
from slipyard.pipeline.cleaning.clean_up_app import clean_up_apps
from slipyard.pipeline.cleaning.clean_up_old import clean_up_old
from slipyard.pipeline.commands.end_commands import end_commands
from slipyard.pipeline.configuration.keep_secret_files import keep_secret_files
from slipyard.pipeline.configuration.secret_stores import renew_stores
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.check_health import check_health
from slipyard.pipeline.healing.heal import heal
from slipyard.pipeline.healing.heal_watch import WHOLE_SECONDS, HealWatch
from slipyard.pipeline.healing.health_watch import HealthWatch
from slipyard.pipeline.hosts.observe_certificates import observe_certificates
from slipyard.pipeline.hosts.prove_domains import prove_domains
from slipyard.pipeline.hosts.publish_hosts import publish_hosts
from slipyard.pipeline.observing.forward_output import forward_output
from slipyard.pipeline.observing.judge_alerts import judge_alerts
from slipyard.pipeline.observing.measure import MeasureWatch, measure
from slipyard.pipeline.previews.keep_previews import keep_previews
from slipyard.pipeline.previews.reconcile_previews import HostWatch, reconcile_previews
from slipyard.pipeline.pushes.find_pushes import PushWatch, find_pushes
from slipyard.pipeline.recover import LeaseWatch, recover_claims, wake_waiting
from slipyard.pipeline.rollout.bake import bake
from slipyard.pipeline.rollout.check_routes import RouteWatch, check_routes
from slipyard.pipeline.rollout.close_networks import NetworkWatch
from slipyard.pipeline.rollout.follow_routes import follow_routes
from slipyard.pipeline.rollout.go_on import go_on
from slipyard.pipeline.rollout.judge_canary import CanaryWatch
from slipyard.pipeline.rollout.pause_instances import keep_paused, pause_instances
from slipyard.pipeline.rollout.retire_instances import DrainWatch, retire_instances
from slipyard.pipeline.scale.autoscale import ScaleWatch, autoscale
from slipyard.pipeline.scale.find_idle import IdleWatch, find_idle
from slipyard.pipeline.scale.rest_sleepers import rest_sleepers
from slipyard.pipeline.schedules.keep_schedules import keep_schedules
from slipyard.pipeline.sources.poll import poll
from slipyard.pipeline.telling.send_messages import SendWatch, send_messages
from slipyard.pipeline.telling.tell import tell
from slipyard.pipeline.volumes.tidy_volumes import tidy_volumes

Pass = Callable[[], Awaitable[object]]
Memory = TypeVar("Memory")


@dataclass(frozen=True)
class Loop:
    """`start` gives a function that does one pass; `seconds` lie between two passes, or more where `waiting.py` knows
    that there is nothing to do, or less where it heeds the engine and that has reported something."""

    name: str
    seconds: float
    start: Callable[[Context], Pass]
    heeds_engine: bool = False


def _each_time(verb: Callable[[Context], Awaitable[object]]) -> Callable[[Context], Pass]:
    return lambda context: lambda: verb(context)


def _remembering(
    watch: Callable[[], Memory], verb: Callable[[Context, Memory], Awaitable[object]]
) -> Callable[[Context], Pass]:
    """Each leader begins with an empty memory and keeps it from pass to pass."""

    def start(context: Context) -> Pass:
        kept = watch()
        return lambda: verb(context, kept)

    return start


def _wake(context: Context) -> Pass:
    waiting: set[str] = set()

    async def one_pass() -> None:
        nonlocal waiting
        waiting = await wake_waiting(context, waiting)

    return one_pass


def _publish(context: Context) -> Pass:
    turns = count()
    return lambda: publish_images(context, next(turns))


def _close(context: Context) -> Pass:
    watch = NetworkWatch()
    return lambda: watch.close(context.close_networks)


LOOPS = (
    Loop("networks", 30.0, _close),
    Loop("tell", 1.0, _each_time(tell)),
    Loop("send", 1.0, _remembering(SendWatch, send_messages)),
    Loop("recover", 1.0, _remembering(LeaseWatch, recover_claims)),
    Loop("wake", 3.0, _wake),
    Loop("drain", 0.5, _remembering(DrainWatch, retire_instances)),
    Loop("go_on", 0.5, _remembering(CanaryWatch, go_on)),
    Loop("set_aside", 0.5, _remembering(DrainWatch, pause_instances)),
    Loop("paused", 5.0, _each_time(keep_paused)),
    Loop("bake", 0.5, _remembering(CanaryWatch, bake)),
    Loop("idle", 5.0, _remembering(IdleWatch, find_idle)),
    Loop("autoscale", 5.0, _remembering(ScaleWatch, autoscale)),
    Loop("asleep", 0.5, _remembering(DrainWatch, rest_sleepers)),
    Loop("alerts", 15.0, _each_time(judge_alerts)),
    Loop("forward", 2.0, _each_time(forward_output)),
    Loop("publish", 2.0, _publish),
    Loop("measure", 2.0, _remembering(MeasureWatch, measure)),
    Loop("heal", WHOLE_SECONDS, _remembering(HealWatch, heal), heeds_engine=True),
    Loop("health", 0.5, _remembering(HealthWatch, check_health)),
    Loop("commands", 2.0, _each_time(end_commands)),
    Loop("schedules", 1.0, _each_time(keep_schedules)),
    Loop("secret_files", 60.0, _each_time(keep_secret_files)),
    Loop("secret_stores", 600.0, _each_time(renew_stores)),
    Loop("follow_routes", 2.0, _each_time(follow_routes)),
    Loop("routes", 5.0, _remembering(RouteWatch, check_routes)),
    Loop("hosts", 15.0, _each_time(publish_hosts)),
    Loop("proofs", 5.0, _each_time(prove_domains)),
    Loop("certificates", 20.0, _each_time(observe_certificates)),
    Loop("pushes", 5.0, _remembering(PushWatch, find_pushes)),
    Loop("poll", 5.0, _each_time(poll)),
    Loop("previews", 3.0, _each_time(keep_previews)),
    Loop("requests", 20.0, _remembering(HostWatch, reconcile_previews)),
    Loop("backups", 2.0, _remembering(BackupWatch, back_up)),
    Loop("volumes", 30.0, _each_time(tidy_volumes)),
    Loop("clean_up", 2.0, _each_time(clean_up_apps)),
    Loop("clean_up_old", 600.0, _each_time(clean_up_old)),
)
