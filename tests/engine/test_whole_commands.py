"""Commands in an app, copied files and secret files, from the command line to the container and back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from tests.engine.command_line import Terminal
from tests.engine.installation import CHECKOUT, Installation
from tests.engine.kills import part_of
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp


@pytest.fixture
def live(whole_app: WholeApp) -> WholeApp:
    whole_app.create(env_vars={"GREETING": "hello"})
    whole_app.push("one")
    return whole_app


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for each in opened:
        each.close()


def command(slipyard: Installation, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | slipyard.environment | {"PYTHONPATH": str(CHECKOUT)}
    words = [sys.executable, "-m", "slipyard.cli", *arguments]
    return subprocess.run(words, env=environment, input=given, capture_output=True, check=False, timeout=90)


def of_commands(app: WholeApp) -> list[str]:
    return [label["slipyard.command"] for label in app.container_labels() if "slipyard.command" in label]


def events(app: WholeApp, kind: str) -> list[str]:
    return [row["message"] for row in app.get("/events?limit=100")["events"] if row["kind"] == kind]


def test_a_command_has_the_release_its_input_and_its_limits_and_its_code_is_ours(live: WholeApp) -> None:
    script = (
        "cat; echo $GREETING; cat /www/index.html; echo problem >&2; cat /sys/fs/cgroup/memory/memory.limit_in_bytes \
/sys/fs/cgroup/memory.max 2>/dev/null; exit 7"
    )

    done = command(live.slipyard, "run", live.slug, "--", "sh", "-c", script, given=b"typed " * 20_000)

    assert (done.returncode, done.stderr) == (7, b"problem\n")
    typed, _, rest = done.stdout.partition(b"hello\n")
    assert typed == b"typed " * 20_000
    assert rest.startswith(b"one")
    assert str(512 * 1024 * 1024).encode() in rest
    wait_until(lambda: not of_commands(live))
    wait_until(lambda: events(live, "command.ended"))
    assert "exited with code 7" in events(live, "command.ended")[-1]
    assert f"runs in a container of its own: sh -c {script[:20]}" in events(live, "command.began")[-1]


def test_a_terminal_has_the_size_of_the_window_and_its_keys(live: WholeApp, terminals: list[Terminal]) -> None:
    script = "trap 'echo interrupted; exit 5' INT; echo begun; while :; do stty size; sleep 0.2; done"
    terminal = Terminal(live.slipyard, "run", live.slug, "--", "sh", "-c", script, rows=33, columns=111)
    terminals.append(terminal)

    terminal.until(b"33 111")
    terminal.resized(20, 60)
    terminal.until(b"20 60")
    terminal.type(b"\x03")

    assert terminal.ended() == 5
    assert b"interrupted" in terminal.shown
    wait_until(lambda: not of_commands(live))


def test_whoever_is_killed_leaves_nothing_behind(live: WholeApp, terminals: list[Terminal]) -> None:
    terminal = Terminal(live.slipyard, "run", live.slug, "--", "sh", "-c", "echo up; sleep 1000", rows=24, columns=80)
    terminals.append(terminal)
    terminal.until(b"up")
    assert len(of_commands(live)) == 1

    terminal.process.send_signal(signal.SIGKILL)

    wait_until(lambda: not of_commands(live))
    assert live.text() == "one"


def test_when_slipyard_itself_is_killed_the_controller_removes_what_ran(
    own_app: WholeApp, terminals: list[Terminal]
) -> None:
    own_app.create()
    own_app.push("one")
    words = ("run", own_app.slug, "--", "sh", "-c", "echo up; sleep 1000")
    terminal = Terminal(own_app.slipyard, *words, rows=24, columns=80)
    terminals.append(terminal)
    terminal.until(b"up")
    (running,) = containers_of_commands(own_app)

    os.kill(part_of(own_app.slipyard, "slipyard-api"), signal.SIGKILL)

    assert terminal.ended() == 4
    with closing(docker.from_env()) as engine:
        wait_until(lambda: not engine.api.containers(all=True, filters={"id": running}))
    assert own_app.text() == "one"


def containers_of_commands(app: WholeApp) -> list[str]:
    return [each["Id"] for each in app.all_containers() if "slipyard.command" in each["Labels"]]


def test_a_shell_in_an_instance_and_files_in_and_out(live: WholeApp, terminals: list[Terminal], tmp_path: Path) -> None:
    shell = Terminal(live.slipyard, "shell", live.slug, rows=24, columns=80)
    terminals.append(shell)
    shell.until(b"# ")
    shell.type(b"echo changed-$GREETING > /www/shell.txt; exit 4\n")
    assert shell.ended() == 4
    assert live.slipyard.answer(live.slug, "/shell.txt").text == "changed-hello\n"

    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "file.bin").write_bytes(bytes(range(256)) * 1000)
    live.slipyard.slipyard("cp", str(tree), f"{live.slug}:/www/")
    live.slipyard.slipyard("cp", f"{live.slug}:/www/tree", str(tmp_path / "back"))
    assert (tmp_path / "back" / "deep" / "file.bin").read_bytes() == bytes(range(256)) * 1000
    assert (
        command(live.slipyard, "exec", live.slug, "--", "sh", "-c", "test -f /www/tree/deep/file.bin").returncode == 0
    )
    assert command(live.slipyard, "cp", f"{live.slug}:/none", str(tmp_path)).returncode == 3


def test_a_secret_file_is_in_memory_in_each_release_and_comes_back_with_it(live: WholeApp) -> None:
    run = live.slipyard.slipyard
    value = "s3cret-of-the-first"
    assert (
        command(
            live.slipyard,
            "secrets",
            "set",
            "KEY",
            "--app",
            live.slug,
            "--path",
            "/run/secrets/key",
            "--stdin",
            given=value.encode(),
        ).returncode
        == 0
    )
    first = live.get("/deployments?limit=1")["deployments"][0]
    inspected = _inspected(live)
    (mount,) = inspected["Mounts"]
    command(
        live.slipyard,
        "secrets",
        "set",
        "KEY",
        "--app",
        live.slug,
        "--path",
        "/run/secrets/key",
        "--stdin",
        given=b"second",
    )

    assert _key(live) == "second"
    assert command(live.slipyard, "run", live.slug, "--", "cat", "/run/secrets/key").stdout == b"second"
    assert (mount["Destination"], mount["RW"], value in str(inspected)) == ("/run/secrets/key", False, False)
    filesystem = subprocess.run(
        ["stat", "-f", "-c", "%T", str(Path(mount["Source"]).parent.parent)], capture_output=True, text=True, check=True
    )
    assert filesystem.stdout == "tmpfs\n"
    run("rollback", first["id"], "--app", live.slug)
    assert _key(live) == value
    assert live.text() == "one"


def _key(app: WholeApp) -> str:
    done = command(app.slipyard, "exec", app.slug, "--", "cat", "/run/secrets/key")
    return done.stdout.decode()


def _inspected(app: WholeApp) -> dict:
    serving = app.instances("running")[-1]["id"]
    with closing(docker.from_env()) as engine:
        (container,) = engine.api.containers(filters={"label": f"slipyard.instance={serving}"})
        return engine.api.inspect_container(container["Id"])
