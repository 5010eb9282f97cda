"""Real git hosts on loopback: `git http-backend` behind a small server, and OpenSSH's sshd with keys made for the test."""

import getpass
import os
import socket
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BACKEND = ["git", "http-backend"]
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent",
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
}  # fmt: skip


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "protocol.file.allow=always", "-C", str(directory), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Repository:
    """A bare repository with a work tree beside it, to push commits from."""

    bare: Path
    work: Path

    @classmethod
    def make(cls, root: Path, name: str = "app.git") -> "Repository":
        bare, work = root / name, root / f"{name}.work"
        git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        git(root, "init", "--quiet", "--initial-branch=main", str(work))
        git(work, "remote", "add", "origin", str(bare))
        return cls(bare, work)

    def commit(self, files: dict[str, bytes | str], message: str = "A change", branch: str = "main") -> str:
        """Writes, commits, pushes; a str is the target of a link. Answers the commit."""
        for path, content in files.items():
            place = self.work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                place.symlink_to(content)
            else:
                place.write_bytes(content)
        git(self.work, "add", "--all", "--force")
        git(self.work, "commit", "--quiet", "--allow-empty", "-m", message)
        git(self.work, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return git(self.work, "rev-parse", "HEAD")


@dataclass
class HttpHost:
    """`password` closes it; `moved` are paths that redirect; `held` keeps every answer back until it is set."""

    root: Path
    password: str | None = None
    moved: dict[str, str] = field(default_factory=dict)
    held: threading.Event | None = None
    requests: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    command_lines: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "app.git", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    def expected(self) -> str | None:
        return f"Basic {b64encode(f'git:{self.password}'.encode()).decode()}" if self.password else None


class _Handler(BaseHTTPRequestHandler):
    host: HttpHost

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        host = self.host
        host.requests.append(self.path)
        host.authorizations.append(self.headers.get("Authorization"))
        host.command_lines += command_lines()
        if host.held is not None:
            host.held.wait(60)
        target = next((new for old, new in host.moved.items() if self.path.startswith(old)), None)
        if target is not None:
            self._status(302, {"Location": target + self.path})
        elif host.expected() not in {None, self.headers.get("Authorization")}:
            self._status(401, {"WWW-Authenticate": 'Basic realm="git"'})
        else:
            self._backend()

    def _status(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _backend(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = ENVIRONMENT | {
            "GIT_PROJECT_ROOT": str(self.host.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }  # fmt: skip
        answer = subprocess.run(BACKEND, env=environment, input=body, capture_output=True, check=False).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in {**fields, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def command_lines(containing: str = "") -> list[str]:
    """What everybody on the machine can read of the processes that run now."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if containing in line:
            found.append(line)
    return found


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that was killed on purpose leaves a broken pipe, which nobody needs to read."""


@contextmanager
def http_host(root: Path, password: str | None = None) -> Iterator[HttpHost]:
    host = HttpHost(root, password)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"host": host}))
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield host
    finally:
        if host.held is not None:
            host.held.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class SshHost:
    root: Path
    port: int
    client_key: str
    host_key_line: str

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"


def make_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.read_text()


@contextmanager
def ssh_host(root: Path) -> Iterator[SshHost]:
    """sshd in the foreground on a free port; only the key made here opens it."""
    client_key = make_key(root / "client")
    make_key(root / "host")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = root / "sshd_config"
    configuration.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {root / 'host'}\nAuthorizedKeysFile {root / 'client.pub'}\nStrictModes no\n"
        f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", configuration], stderr=subprocess.PIPE) as server:
        for line in server.stderr:
            if b"Server listening" in line:
                break
        host_key = " ".join((root / "host.pub").read_text().split()[:2])
        try:
            yield SshHost(root, port, client_key, f"[127.0.0.1]:{port} {host_key}")
        finally:
            server.terminate()
