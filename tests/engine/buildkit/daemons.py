"""Real daemons for these tests, each in a temporary directory: buildkitd, a new Docker Engine, image registries."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

RECIPES = Path(__file__).parents[3] / "scripts" / "install" / "programs"
DEADLINE = 60.0


@contextlib.contextmanager
def running(command: Sequence[str | Path], ready: Callable[[], bool], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Starts `command` in a process group of its own, and ends exactly that at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen([*map(str, command)], stdout=output, stderr=output, start_new_session=True)
    try:
        wait_for(lambda: ready() or process.poll() is not None)
        assert process.poll() is None, f"{command[0]} ended: {log.read_text()[-2000:]}"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(DEADLINE)


def wait_for(condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"did not come about within {deadline} s"
        time.sleep(0.05)


@contextlib.contextmanager
def directory(prefix: str) -> Iterator[Path]:
    """Short enough for a unix socket's path, and gone at the end."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield path
    finally:
        unmount_below(path)
        shutil.rmtree(path, ignore_errors=True)


def unmount_below(path: Path) -> None:
    """A daemon that was killed leaves its mounts behind."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{path}/")]):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def recipe(name: str) -> Path:
    """The directory of binaries that the recipe made, now or in an earlier run."""
    made = subprocess.run([RECIPES / name], check=True, stdout=subprocess.PIPE, text=True)
    return Path(made.stdout.strip())


@contextlib.contextmanager
def registry(accounts: str = "") -> Iterator[str]:
    """`host:port`; `accounts` is an htpasswd file, and without it everybody may read and write."""
    host = f"127.0.0.1:{free_port()}"
    with directory("slipyard-registry-") as home:
        (home / "accounts").write_text(accounts)
        access = f"auth: {{htpasswd: {{realm: test, path: {home}/accounts}}}}\n" if accounts else ""
        (home / "config.yml").write_text(
            f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {home}/data}}}}\nhttp: {{addr: '{host}'}}\n{access}"
        )
        with running(["docker-registry", "serve", home / "config.yml"], lambda: answers(host), home / "log"):
            yield host


def answers(host: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{host}/v2/", timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


@contextlib.contextmanager
def buildkitd(registries: Sequence[str], listen: str | None = None, tls: str = "") -> Iterator[tuple[str, int]]:
    """Its address and its process id. Builds share the machine's network: RUN steps reach loopback."""
    with directory("slipyard-buildkitd-") as home:
        address = listen or f"unix://{home}/buildkitd.sock"
        (home / "config.toml").write_text(
            f'root = "{home}/root"\n[grpc]\naddress = ["{address}"]\n{tls}\n'
            '[worker.oci]\nbinary = "runc"\nsnapshotter = "overlayfs"\nnetworkMode = "host"\n'
            "[worker.containerd]\nenabled = false\n"
            + "".join(f'[registry."{host}"]\nhttp = true\n' for host in registries)
        )
        command = [recipe("buildkitd.sh") / "buildkitd", "--config", home / "config.toml"]
        with running(command, lambda: "running server on" in (home / "log").read_text(), home / "log") as process:
            yield address, process.pid


@contextlib.contextmanager
def new_docker_engine() -> Iterator[str]:
    """Moby v2 with the containerd image store, beside the machine's own engine and without touching its networks."""
    bridge, binaries = "br-slip-test", recipe("moby.sh")
    with directory("slipyard-moby-") as home, network_bridge(bridge):
        command = [
            *(binaries / "dockerd", "--data-root", home / "data", "--exec-root", home / "exec"),
            *("--host", f"unix://{home}/docker.sock", "--pidfile", home / "pid"),
            *("--containerd-namespace", "slipyard-test", "--containerd-plugins-namespace", "slipyard-test-plugins"),
            *("--bridge", bridge, "--iptables=false", "--ip6tables=false", "--ip-masq=false"),
        ]
        with running(command, lambda: "API listen on" in (home / "log").read_text(), home / "log"):
            yield f"unix://{home}/docker.sock"


@contextlib.contextmanager
def network_bridge(name: str) -> Iterator[None]:
    subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "172.31.251.1/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)
