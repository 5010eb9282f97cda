"""A schedule's command in a container of the live release, and limits that hold against a container that tries."""

import os
import subprocess
import sys

from tests.engine.installation import CHECKOUT
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

EATS_MEMORY = "echo begins; head -c 400000000 /dev/zero | tail -c 300000000 >/dev/null; exit $?"
FORKS = "n=0; while [ $n -lt 100 ]; do sleep 20 & n=$((n+1)); done 2>&1; echo all 100 run"
USES_CPU = (
    "throttled() { cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat 2>/dev/null | sed -n 's/^nr_throttled //p'; }; "
    "busy() { n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done; }; "
    "i=0; while [ $i -lt 100 ] && [ $(throttled) -eq 0 ]; do busy & busy & busy & wait; i=$((i+1)); done; throttled"
)


def slipyard(app: WholeApp, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | app.slipyard.environment | {"PYTHONPATH": str(CHECKOUT)}
    words = [sys.executable, "-m", "slipyard.cli", *arguments]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_schedule_runs_in_the_live_release_and_within_its_limits(whole_app: WholeApp) -> None:
    whole_app.create(env_vars={"GREETING": "hello"}, resources={"cpu": "250m", "memory": "64Mi", "processes": 64})
    whole_app.push("one")

    def ran(name: str, script: str) -> subprocess.CompletedProcess[str]:
        body = {"name": name, "cron": "0 0 1 1 *", "command": script, "timeout_seconds": 60}
        whole_app.post("schedules", json=body).raise_for_status()
        return slipyard(whole_app, "schedules", "run", name, "--app", whole_app.slug)

    greets = ran("greets", "echo $GREETING; cat /www/index.html; echo problem >&2; exit 3")
    assert (greets.returncode, sorted(greets.stdout.split())) == (1, ["hello", "one", "problem"])
    assert "exited with code 3" in greets.stderr

    assert "all 100 run" not in ran("forks", FORKS).stdout
    throttled = ran("calculates", USES_CPU)
    assert throttled.returncode == 0, throttled.stderr
    assert int(throttled.stdout) > 0
    eats = ran("eats", EATS_MEMORY)
    assert eats.returncode == 1
    assert "begins" in eats.stdout

    wait_until(lambda: not [each for each in whole_app.container_labels() if "slipyard.command" in each])
    assert whole_app.text() == "one", "none of it has touched what serves"
