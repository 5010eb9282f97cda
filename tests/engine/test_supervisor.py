"""`slipyard up`, `doctor` and `down` as people call them, on real engines."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipyard.cli.up.identity import Identity
from tests.engine.installation import Installation, purge_installation, start_installation
from tests.engine.spare_installation import SpareInstallation
from tests.engine.waiting import wait_until

MIB = 1024 * 1024
IDLE_BYTES = 250 * MIB  # the promise: PSS of everything that `slipyard up` starts
WORKED_BYTES = 300 * MIB  # a guard: 229 to 251 were measured after deployments, and machines differ in what they share
PARTS = {"slipyard-api", "redis-server", "docker-registry", "caddy"}
PAGE = "FROM busybox\nRUN mkdir /www && echo {text} >/www/index.html\nCMD exec httpd -f -p $PORT -h /www\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "Dockerfile").write_text(PAGE.format(text="one"))
    return directory


def made_by(installation: Installation) -> list[str]:
    """What the engine and the packet filter have of it, one line each."""
    identifier = json.loads((installation.home / "installation.json").read_text())["id"]
    return in_engine(identifier)


def in_engine(identifier: str) -> list[str]:
    label = f"label=slipyard.installation={identifier}"
    lists = (
        ["ps", "-aq", "--filter", label],
        ["network", "ls", "-q", "--filter", label],
        ["images", "-q", "--filter", label],
    )
    found = [line for arguments in lists for line in output("docker", *arguments).splitlines()]
    return found + [line for line in output("iptables-save").splitlines() if identifier in line]


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def code_of(installation: Installation, *arguments: str) -> int:
    command = [os.sys.executable, "-m", "slipyard.cli", *arguments]
    return subprocess.run(
        command, env=os.environ | installation.environment, capture_output=True, check=False
    ).returncode


@pytest.fixture
def unstarted(spare_installation: SpareInstallation) -> Installation:
    """Nothing of it runs, so that a test can start it in its own way."""
    return spare_installation.stopped()


def test_a_second_up_is_refused_and_leaves_the_first_alone(slipyard: Installation) -> None:
    said = slipyard.slipyard("up", "--detach", ok=False)
    assert f"Slipyard already runs for {slipyard.home}" in said
    assert code_of(slipyard, "up") == 1
    assert slipyard.client().get("/apps").status_code == 200


def test_a_port_that_is_taken_is_named_before_anything_starts(unstarted: Installation) -> None:
    with socket.create_server(("127.0.0.1", unstarted.port)):
        said = unstarted.slipyard("up", "--detach", ok=False)
    assert f"Another program already listens on 127.0.0.1:{unstarted.port}" in said
    assert "SLIPYARD_PORT" in said
    assert not (unstarted.home / "run" / "redis.pid").exists()


def test_a_part_that_cannot_start_ends_up_with_the_reason(unstarted: Installation) -> None:
    refused = {"SLIPYARD_TLS": "acme", "SLIPYARD_ACME_DNS": '{"name": "nowhere"}'}  # of which Caddy has no module
    before = dict(unstarted.environment)
    unstarted.environment.update(refused)
    try:
        assert "SLIPYARD_ACME_DNS" in unstarted.slipyard("up", "--detach", ok=False)
        assert code_of(unstarted, "up", "--detach") == 1
    finally:  # the tests after this one use the same installation
        unstarted.environment.clear()
        unstarted.environment.update(before)


def test_the_link_of_login_link_lets_one_browser_in(slipyard: Installation) -> None:
    link = slipyard.slipyard("login-link").strip()
    with httpx.Client(follow_redirects=False) as browser:
        assert browser.get(link).status_code < 400
    with httpx.Client(follow_redirects=False) as another:
        answer = another.get(link)
        assert not answer.cookies, answer.headers


def test_doctor_finds_a_dead_service_and_exits_with_1(own_slipyard: Installation) -> None:
    healthy = json.loads(own_slipyard.slipyard("doctor", "--json"))
    assert healthy["ok"]
    own_slipyard.slipyard("down", "--all")
    found = json.loads(own_slipyard.slipyard("doctor", "--json", ok=False))
    failed = {finding["name"] for finding in found["findings"] if finding["level"] == "fail"}
    assert failed == {"parts", "redis", "registry", "caddy", "ports"}
    assert all(finding["advice"] for finding in found["findings"] if finding["level"] == "fail")
    assert code_of(own_slipyard, "doctor") == 1


def test_all_parts_idle_within_250_mib(new_slipyard: Installation, source: Path) -> None:
    assert {part["name"] for part in memory(new_slipyard)["parts"]} >= PARTS
    wait_until(lambda: memory(new_slipyard)["total_bytes"] <= IDLE_BYTES)

    for text in ("one", "two"):
        (source / "Dockerfile").write_text(PAGE.format(text=text))
        new_slipyard.slipyard("deploy", ".", "--app", "shop", cwd=source)
    assert new_slipyard.answer("shop").text == "two\n"

    wait_until(lambda: memory(new_slipyard)["total_bytes"] <= WORKED_BYTES)


def memory(installation: Installation) -> dict[str, Any]:
    return json.loads(installation.slipyard("doctor", "--memory", "--json"))


def test_an_app_from_a_directory_to_a_rollback_by_the_command_line(slipyard: Installation, source: Path) -> None:
    run = slipyard.slipyard
    assert "shop is live at" in run("deploy", ".", "--app", "shop", cwd=source)
    (source / "Dockerfile").write_text(PAGE.format(text="two"))
    run("deploy", ".", "--app", "shop", cwd=source)
    assert slipyard.answer("shop").text == "two\n"
    run("rollback", "1", "--app", "shop")
    assert slipyard.answer("shop").text == "one\n"
    run("env", "set", "GREETING=hello", "--app", "shop")
    run("stop", "shop")
    assert slipyard.answer("shop").status_code == 503
    run("start", "shop")
    assert slipyard.answer("shop").status_code == 200
    history = json.loads(run("deployments", "--app", "shop", "--json"))["deployments"]
    assert [row["number"] for row in history] == [5, 4, 3, 2, 1]
    run("apps", "delete", "shop", "--yes", "--wait")
    assert code_of(slipyard, "apps", "show", "shop") == 3


def test_a_broken_dockerfile_exits_with_1_and_the_old_release_serves(slipyard: Installation, source: Path) -> None:
    slipyard.slipyard("deploy", ".", "--app", "broken", cwd=source)
    (source / "Dockerfile").write_text("FROM busybox\nRUN echo no such thing && exit 3\n")
    said = slipyard.slipyard("deploy", ".", "--app", "broken", cwd=source, ok=False)
    assert "no such thing" in said
    assert "The release before goes on serving." in said
    assert slipyard.answer("broken").text == "one\n"
    slipyard.slipyard("apps", "delete", "broken", "--yes", "--wait")


def test_purge_removes_everything_of_one_installation_and_nothing_of_another(
    slipyard: Installation, tmp_path: Path, source: Path
) -> None:
    other = made_by(slipyard)
    doomed = start_installation(tmp_path / "home")
    doomed.slipyard("deploy", ".", "--app", "shop", cwd=source)
    identifier = json.loads((doomed.home / "installation.json").read_text())["id"]
    wait_until(lambda: any(identifier in line for line in in_engine(identifier)))
    processes = [
        Identity.read(doomed.home / "run" / f"{name}.pid") for name in ("supervisor", "redis", "registry", "caddy")
    ]
    assert "Add --yes" in doomed.slipyard("down", "--purge", ok=False)
    assert doomed.answer("shop").status_code == 200
    purge_installation(doomed)
    assert in_engine(identifier) == []
    assert not doomed.home.exists()
    assert not [process for process in processes if process is None or process.is_running()]
    assert set(other) <= set(made_by(slipyard))
    assert slipyard.client().get("/apps").status_code == 200


def test_a_signal_ends_a_supervisor_in_the_foreground(unstarted: Installation) -> None:
    command = [os.sys.executable, "-m", "slipyard.cli", "up"]
    process = subprocess.Popen(
        command, env=os.environ | unstarted.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("Slipyard is ready at") for line in lines)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "/login/" not in rest, "a link that lets somebody in does not belong into a log"
    assert Identity.read(unstarted.home / "run" / "caddy.pid").is_running()
