"""The supervisor with small real processes: what dies comes back, what ends ends in order, what outlives stays."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slipyard.cli.up.identity import Identity
from slipyard.cli.up.lock import running_supervisor, take_lock
from slipyard.domain.errors import Conflict
from slipyard.domain.layout import Layout

SUPERVISED = """
import os, signal, sys, threading, time
from pathlib import Path
from slipyard.cli.up.child import Child
from slipyard.cli.up.event_log import EventLog
from slipyard.cli.up.fork import Program, fork_function, fork_program
from slipyard.cli.up.identity import Identity
from slipyard.cli.up.log_sink import LogSink
from slipyard.cli.up.supervisor import Stage, Supervisor

home = Path(sys.argv[1])
trace = home / "trace"

def note(line):
    with trace.open("a") as file:
        file.write(line + "\\n")

def waits(name, deaf=False):
    def run():
        over = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: None if deaf else over.set())
        note(f"{name} up {os.getpid()}")
        while not over.wait(60): pass
        note(f"{name} ended")
    return run

def dies_twice():
    note("shaky up")
    if trace.read_text().count("shaky up") < 3:
        print("words before death", flush=True)
        os._exit(7)
    waits("shaky")()

def part(name, run):
    return Child(name, lambda out: fork_function(run, name=name, output=out, close=supervisor.private_descriptors))

sleeper = Program([sys.executable, "-c", "import time; time.sleep(600)"], {}, home / "service.pid", home / "service.log", "v1")
def survivor():
    found = Identity.read(home / "service.pid")
    return found if found and found.is_running() else None

sink = LogSink(home / "log")
stages = [Stage(frozenset({"front"}), 5), Stage(frozenset({"worker", "deaf", "shaky"}), float(sys.argv[2])), Stage(frozenset({"lead"}), 5)]
supervisor = Supervisor(sink, EventLog(sink), stages)
supervisor.add(Child("service", lambda out: fork_program(sleeper), adopt=survivor, outlives=True))
wanted = sys.argv[3].split(",")
runs = {"lead": waits("lead"), "worker": waits("worker"), "deaf": waits("deaf", deaf=True), "front": waits("front"), "shaky": dies_twice}
for name in wanted:
    supervisor.add(part(name, runs[name]))
supervisor.run()
note("over")
"""


class Scene:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self, *parts: str, grace: float = 5) -> None:
        command = [sys.executable, "-c", SUPERVISED, str(self.home), str(grace), ",".join(parts)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def trace(self) -> list[str]:
        path = self.home / "trace"
        return path.read_text().splitlines() if path.exists() else []

    def until(self, line: str) -> None:
        self.wait_for(lambda: any(seen.startswith(line) for seen in self.trace()), line)

    def wait_for(self, condition, what: str) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come; {self.trace()}"
            os.sched_yield()

    def pid(self, name: str) -> int:
        return int(next(line for line in reversed(self.trace()) if line.startswith(f"{name} up")).split()[-1])

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def service(self) -> Identity | None:
        return Identity.read(self.home / "service.pid")

    def running_service(self) -> Identity:
        """It starts beside the parts, and may be there a moment later than they are."""
        self.wait_for(lambda: (now := self.service()) is not None and now.is_running(), "the service")
        return self.service()

    def events(self) -> list[dict]:
        lines = (self.home / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    if (service := made.service()) is not None:
        service.send(signal.SIGKILL)


def test_a_part_that_exits_comes_back_and_its_last_words_are_kept(scene):
    scene.begin("shaky")
    scene.until("shaky up ")
    assert scene.trace().count("shaky up") == 3
    ended = [event for event in scene.events() if event["event"] == "ended"]
    assert [(event["child"], event["code"], event["again_in"]) for event in ended] == [
        ("shaky", 7, 0.0),
        ("shaky", 7, 0.1),
    ]
    assert "words before death" in (scene.home / "log").read_text()


def test_a_killed_part_comes_back_as_another_process(scene):
    scene.begin("worker")
    scene.until("worker up")
    first = scene.pid("worker")
    os.kill(first, signal.SIGKILL)
    scene.wait_for(lambda: sum(line.startswith("worker up") for line in scene.trace()) == 2, "a second worker")
    assert scene.pid("worker") != first


def test_the_end_comes_in_order_and_leaves_the_services(scene):
    scene.begin("lead", "worker", "front")
    for name in ("lead", "worker", "front"):
        scene.until(f"{name} up")
    assert scene.end() == 0
    assert scene.trace()[3:] == ["front ended", "worker ended", "lead ended", "over"]
    scene.running_service()


def test_a_part_that_does_not_end_in_its_time_is_killed_and_holds_up_nobody(scene):
    scene.begin("deaf", "lead", grace=0.2)
    scene.until("lead up")
    scene.until("deaf up")
    assert scene.end() == 0
    assert scene.trace()[2:] == ["lead ended", "over"]
    assert any(event["event"] == "killed" and event["child"] == "deaf" for event in scene.events())


def test_a_second_signal_hurries(scene):
    scene.begin("deaf", grace=3600)
    scene.until("deaf up")
    scene.process.send_signal(signal.SIGTERM)
    scene.wait_for(lambda: any(event["event"] == "ending" for event in scene.events()), "the first signal")
    assert scene.end(signal.SIGINT) == 0


def test_parts_die_with_a_killed_supervisor_and_its_service_is_adopted_by_the_next(scene):
    scene.begin("worker")
    scene.until("worker up")
    worker, service = Identity.of(scene.pid("worker")), scene.running_service()
    scene.process.kill()
    scene.process.wait()
    scene.wait_for(lambda: not worker.is_running(), "the worker's end")
    assert service.is_running()
    scene.begin("lead")
    scene.until("lead up")
    assert scene.running_service() == service
    scene.wait_for(
        lambda: any(event["event"] == "adopted" and event["pid"] == service.pid for event in scene.events()), "adopting"
    )


def test_an_adopted_service_that_dies_is_started_anew(scene):
    scene.begin("lead")
    scene.until("lead up")
    scene.end()
    scene.begin("front")
    scene.until("front up")
    adopted = scene.running_service()
    adopted.send(signal.SIGKILL)
    scene.wait_for(
        lambda: (now := scene.service()) is not None and now != adopted and now.is_running(), "a new service"
    )


def test_a_second_supervisor_is_refused_with_a_sentence(tmp_path):
    layout = Layout(tmp_path)
    held = take_lock(layout)
    with pytest.raises(Conflict, match=rf"already runs for {tmp_path} as process {os.getpid()}.*`slipyard down`"):
        take_lock(layout)
    assert running_supervisor(layout) == Identity.of(os.getpid())
    os.close(held)
    with contextlib.closing(os.fdopen(take_lock(layout))):
        assert True
