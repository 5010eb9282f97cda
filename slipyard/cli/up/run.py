"""`slipyard up` read aloud: lock, open, start what it stands on, load once, fork the parts, say when it is ready."""

import functools
import gc
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from slipyard.cli.up.caddy_service import caddy_service
from slipyard.cli.up.child import Child
from slipyard.cli.up.event_log import EventLog
from slipyard.cli.up.fork import fork_function
from slipyard.cli.up.hand_over import Started, hand_over, stages_of
from slipyard.cli.up.journal import configure_logging
from slipyard.cli.up.lock import take_lock
from slipyard.cli.up.log_sink import LogSink
from slipyard.cli.up.parts import parts_of
from slipyard.cli.up.ports import require_free
from slipyard.cli.up.prctl import forgo_huge_pages, name_process, share_one_heap, trim_heap
from slipyard.cli.up.prepare import prepare_installation
from slipyard.cli.up.readiness import Check, wait_until_ready
from slipyard.cli.up.redis_service import redis_service
from slipyard.cli.up.registry_service import registry_service
from slipyard.cli.up.rehearse import rehearse
from slipyard.cli.up.report import Report
from slipyard.cli.up.service import Service, running_service
from slipyard.cli.up.supervisor import Supervisor
from slipyard.cli.up.watch_start import StartWatch
from slipyard.domain.errors import SlipyardError, SystemFault
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

_SERVICE_SECONDS = 20.0


def up(settings: Settings, report: Report, log_file: Path | None) -> int:
    """Supervises until it is told to end. 0 after an ordinary end, 1 where it never got ready."""
    layout = Layout(settings.home)
    sink = LogSink(log_file)
    try:
        started = _start(settings, layout, report, sink)
    except SlipyardError as error:
        report.failed(error.message)
        return 1
    if started.supervisor.run():
        hand_over(started, log_file)
        started.supervisor.run()  # to its end, or because the way to the keeper was barred: it can do the same
    return started.watch.exit_code


def _start(settings: Settings, layout: Layout, report: Report, sink: LogSink) -> Started:
    lock = take_lock(layout)
    name_process("slipyard")
    share_one_heap()
    forgo_huge_pages()
    prepare_installation(settings)
    configure_logging()
    parts, services = parts_of(settings), _services(settings, layout)
    log = EventLog(sink)
    supervisor = Supervisor(sink, log, stages_of(parts))
    _require_ports(settings, layout, services)
    fresh = []
    for service in services:
        adopted = supervisor.add(service.child())
        report.step(f"{service.name} {'adopted' if adopted else 'started'}")
        fresh += [] if adopted else [service.name]
    for part in parts[:1]:
        part.load()
    _wait_for(services)
    rehearse(settings)
    watch = StartWatch(settings, layout, report, supervisor, sink, fresh)
    private = functools.partial(_private_descriptors, supervisor, lock, services)
    for part in parts:
        entry = part.load()
        _settle_memory()
        supervisor.add(_part_child(part.name, entry, private, watch))
    supervisor.add(watch.child(lock))
    return Started(lock, log, supervisor, watch, parts, services, fresh)


def _services(settings: Settings, layout: Layout) -> list[Service]:
    made = (make(settings, layout) for make in (redis_service, registry_service, caddy_service))
    return [service for service in made if service is not None]


def _require_ports(settings: Settings, layout: Layout, services: Sequence[Service]) -> None:
    """Only for what is not running yet: an adopted Caddy holds its ports rightly."""
    require_free(settings.bind, settings.port, setting="SLIPYARD_PORT", purpose="the API")
    fresh = {service.name for service in services if running_service(layout, service.name) is None}
    if "registry" in fresh:
        require_free("127.0.0.1", settings.registry_port, setting="SLIPYARD_REGISTRY_PORT", purpose="the registry")
    if "caddy" in fresh:
        require_free("0.0.0.0", settings.http_port, setting="SLIPYARD_HTTP_PORT", purpose="the router")
        if settings.tls != "off":
            require_free("0.0.0.0", settings.https_port, setting="SLIPYARD_HTTPS_PORT", purpose="the router")


def _wait_for(services: Sequence[Service]) -> None:
    checks = [Check(service.name, functools.partial(_service_trouble, service)) for service in services]
    missing = wait_until_ready(checks, _SERVICE_SECONDS, passed=lambda _name: None)
    for name, trouble in missing.items():
        raise SystemFault(f"{name} did not start within {_SERVICE_SECONDS:.0f} seconds: {trouble}.")


def _service_trouble(service: Service) -> str | None:
    return None if service.answers() else f"it does not answer; {service.program().log} has its last words"


def _settle_memory() -> None:
    """Moves all that is loaded out of the collector's reach, so that its passes do not copy pages that are shared."""
    if threading.active_count() != 1:
        raise SystemFault(f"A module started a thread when it was imported: {threading.enumerate()}. A fork needs one.")
    gc.collect()
    trim_heap()
    gc.freeze()


def _private_descriptors(supervisor: Supervisor, lock: int, services: Sequence[Service]) -> list[int]:
    held = [descriptor for service in services if service.sockets for descriptor in service.sockets.held]
    return [*supervisor.private_descriptors, lock, *held]


def _part_child(
    name: str, entry: Callable[[], object], private: Callable[[], Sequence[int]], watch: StartWatch
) -> Child:
    def start(output: int) -> int:
        return fork_function(entry, name=name, output=output, close=private())

    return Child(name, start, on_exit=lambda code: watch.part_ended(name, code))
