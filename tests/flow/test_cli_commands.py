"""Commands against a small HTTP server that answers as the API does: what is sent, printed, and the exit code."""

import functools
import io
import json
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import zstandard

from slipyard.cli.main import run

APP = {
    "id": "app_1", "slug": "shop", "status": "running", "status_message": "All instances serve.", "replicas": 2,
    "running_instances": 2, "url": "http://shop.localhost:8080", "default_url": "http://shop.localhost:8080",
    "source": {"type": "git", "repo_url": None, "branch": "main", "subdirectory": "", "dockerfile": None, "image": None},
    "git_url": "http://127.0.0.1/git/shop.git", "active_image": None, "last_error": None, "last_deployed_at": None,
}  # fmt: skip
DEPLOYMENT = {
    "id": "dep_7", "number": 7, "status": "active", "trigger": "api", "actor": "administrator", "title": "",
    "commit": "c" * 40, "image": None, "error": None, "log_tail": [], "spans": [],
    "created_at": "2026-01-01T00:00:00Z", "started_at": None, "finished_at": None,
}  # fmt: skip
ACTION = {"success": True, "message": "Deployment 7 is on its way.", "deployment_id": "dep_7", "status": "pending"}


def page(name, *rows):
    return {name: list(rows), "total": len(rows), "has_more": False}


def events(status="active", error=None, tail=(), **more):
    done = {"status": status, "url": APP["url"], "error": error, "log_tail": list(tail), "still_serves": False} | more
    return [
        ("status", json.dumps({"status": "building"}), "0.0"),
        ("build", "#1 [1/1] RUN make\n#1 0.2 hello", "30.0"),
        ("done", json.dumps(done), "30.0"),
    ]


class Api:
    """Answers by "METHOD path"; a list is a stream of events, an int an error of that status."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def body(self, call: str) -> dict:
        return json.loads(next(body for seen, _, body in self.requests if seen == call))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, api: Api, *arguments) -> None:
        self.api = api
        super().__init__(*arguments)

    def __getattr__(self, name: str):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        call = f"{self.command} {self.path.partition('?')[0].removeprefix('/v1')}"
        self.api.requests.append((call, dict(self.headers), self._read()))
        found = self.api.answers.get(call, 404)
        found = found(self) if callable(found) else found
        if isinstance(found, list):
            self._stream(found)
        else:
            self._send(found)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, found) -> None:
        status = found if isinstance(found, int) else 200
        if isinstance(found, int):
            code = {404: "not_found", 409: "conflict"}.get(found, "internal")
            found = {"error": {"code": code, "message": f"No: {found}.", "status": found, "details": []}}
        data = found.encode() if isinstance(found, str) else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, found) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for kind, data, identity in found:
            lines = "".join(f"data: {line}\n" for line in data.split("\n"))
            self.wfile.write(f"event: {kind}\nid: {identity}\n{lines}\n".encode())

    def log_message(self, *_) -> None: ...


@pytest.fixture
def api(tmp_path, monkeypatch):
    made = Api()
    monkeypatch.setenv("SLIPYARD_URL", made.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", "sly_secret")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SLIPYARD_HOME", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)
    made.answers = {
        "GET /apps": page("apps", APP),
        "GET /apps/shop": APP,
        "POST /apps/shop/deploy": ACTION,
        "POST /apps/shop/build": ACTION,
        "POST /apps/shop/rollback": ACTION,
        "GET /apps/shop/deployments": page("deployments", DEPLOYMENT),
        "GET /apps/shop/deployments/dep_7": DEPLOYMENT,
        "GET /apps/shop/deployments/dep_7/progress": events(),
    }
    yield made
    made.close()


def test_a_failed_deployment_exits_with_1_and_shows_the_last_lines(api, capsys):
    failed = events("failed", "Step 1 failed.", ["cc: not found"], still_serves=True)
    api.answers["GET /apps/shop/deployments/dep_7/progress"] = failed
    assert run(["deploy", "shop"]) == 1
    assert capsys.readouterr().err == "slipyard: Step 1 failed. The release before goes on serving.\n  cc: not found\n"


def test_wrong_usage_exits_with_2(api, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run(["deploy", "--bogus"]) == 2
    assert run(["bogus"]) == 2
    assert run(["deploy"]) == 2
    assert run(["deploy", "./missing"]) == 2
    assert run(["deploy", "./empty", "--app", "shop"]) == 2
    assert run(["deploy", ".", "--app", "shop", "--image", "x"]) == 2
    assert run(["apps", "create", "x", "--git", "https://a", "--image", "b"]) == 2
    assert run(["apps", "delete", "shop"]) == 2  # nobody is there to confirm
    assert run(["login", "not-a-url"]) == 2


def test_a_refusal_exits_with_3_and_says_it(api, capsys):
    assert run(["apps", "show", "nope"]) == 3
    assert capsys.readouterr().err == "slipyard: No: 404.\n"
    api.answers["POST /apps/shop/rollback"] = 409
    assert run(["rollback", "--app", "shop"]) == 3
    assert run(["rollback", "99", "--app", "shop"]) == 3


def test_a_server_that_is_not_there_exits_with_4(api, monkeypatch, capsys):
    monkeypatch.setenv("SLIPYARD_URL", "http://127.0.0.1:1")
    assert run(["apps", "list"]) == 4
    assert "does not answer" in capsys.readouterr().err


def test_a_mistake_of_the_server_exits_with_5(api):
    api.answers["GET /apps"] = 500
    assert run(["apps", "list"]) == 5


def test_errors_are_json_too_and_standard_output_stays_empty(api, capsys):
    assert run(["apps", "show", "nope", "--json"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "arguments",
    [
        ["apps", "list"],
        ["apps", "show", "shop"],
        ["deployments", "--app", "shop"],
        ["deployments", "show", "7", "--app", "shop"],
        ["deploy", "shop"],
        ["deploy", "shop", "--detach"],
        ["rollback", "7", "--app", "shop"],
        ["open", "shop"],
    ],
)
def test_json_is_one_valid_value_and_nothing_else(api, capsys, arguments):
    assert run([*arguments, "--json"]) == 0
    json.loads(capsys.readouterr().out)


def test_a_pipe_gets_plain_lines_as_they_come(api, capsys):
    assert run(["deploy", "shop"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["status: building", "#1 [1/1] RUN make", "#1 0.2 hello"]
    assert lines[3].startswith("shop is live at http://shop.localhost:8080 (")


def test_the_token_goes_in_the_header_and_never_into_what_is_printed(api, capsys):
    run(["apps", "list"])
    assert api.requests[0][1]["Authorization"] == "Bearer sly_secret"
    run(["apps", "show", "nope"])
    assert "sly_secret" not in "".join(capsys.readouterr())


def test_a_broken_stream_goes_on_where_it_was(api, capsys):
    whole = events()
    asked = []

    def broken_once(request):
        asked.append(request.headers.get("Last-Event-ID"))
        return whole[:2] if len(asked) == 1 else whole[2:]

    api.answers["GET /apps/shop/deployments/dep_7/progress"] = broken_once
    assert run(["deploy", "shop"]) == 0
    assert asked == [None, "30.0"]
    assert capsys.readouterr().out.count("hello") == 1


def test_options_of_deploy_are_sent(api):
    options = ["--ref", "next", "--env", "A=b=c", "--replicas", "3", "--no-cache", "-m", "Why"]
    assert run(["deploy", "shop", *options, "--detach"]) == 0
    sent = {"ref": "next", "env_vars": {"A": "b=c"}, "replicas": 3, "no_cache": True, "title": "Why"}
    assert api.body("POST /apps/shop/deploy") == sent
    assert next(headers for call, headers, _ in api.requests if call.startswith("POST"))["Idempotency-Key"]


def test_a_directory_is_packed_and_sent(api, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "app.py").write_text("print()")
    (tmp_path / "project" / "slipyard.yaml").write_text("name: shop\n")
    assert run(["deploy", "./project"]) == 0
    _, headers, body = next(seen for seen in api.requests if seen[0] == "POST /apps/shop/build")
    assert headers["Content-Type"] == "application/zstd"
    data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as packed:
        assert sorted(packed.getnames()) == ["app.py", "slipyard.yaml"]


def test_the_first_deploy_of_a_directory_makes_the_app(api, tmp_path):
    (tmp_path / "app.py").write_text("print()")
    api.answers |= {"POST /apps": APP, "POST /apps/new/build": ACTION, "GET /apps/new": 404}
    api.answers["GET /apps/new/deployments/dep_7/progress"] = events()
    assert run(["deploy", ".", "--app", "new"]) == 0
    assert api.body("POST /apps") == {"name": "new", "source": {"type": "upload"}, "deploy": False}


def test_create_sends_one_source(api, capsys):
    api.answers |= {"POST /apps": APP, "GET /apps/app_1/deployments": page("deployments")}
    assert run(["apps", "create", "shop", "--git", "https://a.example/b", "--branch", "next", "--port", "80"]) == 0
    sent = api.body("POST /apps")
    assert sent["source"] == {"type": "git", "repo_url": "https://a.example/b", "branch": "next"}
    assert (sent["name"], sent["port"], "deploy" in sent) == ("shop", 80, False)
    assert "git push http://127.0.0.1/git/shop.git main" in capsys.readouterr().out


def test_the_environment_is_changed_and_its_values_are_not_shown(api, capsys):
    api.answers["PATCH /apps/shop/env"] = api.answers["GET /apps/shop/env"] = {
        "env_vars": [{"name": "KEY", "fingerprint": "0a1b", "value": "s3cret"}],
        "values": {"KEY": "s3cret"},
        "change": {"message": "shop was never live, so nothing restarts.", "deployment_id": None},
    }
    assert run(["env", "set", "KEY=s3cret", "--app", "shop", "--json"]) == 0
    assert run(["env", "unset", "OLD", "--app", "shop"]) == 0
    assert run(["env", "list", "--app", "shop"]) == 0
    assert run(["env", "list", "--app", "shop", "--json"]) == 0
    assert "s3cret" not in capsys.readouterr().out
    sent = [json.loads(body) for call, _, body in api.requests if call.startswith("PATCH")]
    assert sent == [{"env_vars": {"KEY": "s3cret"}}, {"env_vars": {"OLD": None}}]
    assert run(["env", "list", "--app", "shop", "--reveal"]) == 0
    assert "s3cret" in capsys.readouterr().out


def test_a_build_log_is_printed_and_followed(api, capsys):
    api.answers["GET /apps/shop/build-log"] = "#1 [1/1] RUN make\n"
    assert run(["builds", "log", "--app", "shop"]) == 0
    api.answers["GET /apps/shop/build-log"] = [("message", "#1 a\n#1 b", "10"), ("done", "", "10")]
    assert run(["builds", "log", "-f", "--app", "shop"]) == 0
    assert capsys.readouterr().out.splitlines() == ["#1 [1/1] RUN make", "#1 a", "#1 b"]


def test_git_gets_the_token_for_this_server_alone(api, monkeypatch, capsys):
    for host, expected in ((api.url.removeprefix("http://"), "username=slipyard\npassword=sly_secret\n"), ("x.y", "")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"protocol=http\nhost={host}\n\n"))
        assert run(["git-credential", "get"]) == 0
        assert capsys.readouterr().out == expected


def test_login_checks_the_token_before_it_keeps_it(api, monkeypatch, capsys):
    monkeypatch.delenv("SLIPYARD_URL")
    monkeypatch.delenv("SLIPYARD_TOKEN")
    monkeypatch.setattr(sys, "stdin", io.StringIO("sly_piped\n"))
    assert run(["login", api.url]) == 0
    assert api.requests[-1][1]["Authorization"] == "Bearer sly_piped"
    assert run(["apps", "list"]) == 0
    assert api.requests[-1][1]["Authorization"] == "Bearer sly_piped"
    api.answers["GET /apps"] = 500
    monkeypatch.setattr(sys, "stdin", io.StringIO("sly_other\n"))
    assert run(["login", api.url]) == 5
    api.answers["GET /apps"] = page("apps")
    run(["apps", "list"])
    assert api.requests[-1][1]["Authorization"] == "Bearer sly_piped"
    assert "sly_piped" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_completes_commands(shell):
    words = {"bash": {"COMP_WORDS": "slipyard roll", "COMP_CWORD": "1"}, "zsh": {"_TYPER_COMPLETE_ARGS": "slipyard roll"},
             "fish": {"_TYPER_COMPLETE_ARGS": "slipyard roll", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}}[shell]  # fmt: skip
    environment = {"PATH": "/usr/bin:/bin", "_SLIPYARD_COMPLETE": f"complete_{shell}", **words}
    command = [sys.executable, "-m", "slipyard.cli"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "rollback" in done.stdout
    assert "deploy" not in done.stdout.replace("deployment", "")


def test_every_command_has_help_and_help_imports_no_engine():
    program = "import sys; from slipyard.cli.main import run; code = run(['--help']); print(sorted(sys.modules), code)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    for heavy in ("'sqlalchemy'", "'docker'", "'fastapi'", "'pydantic'", "'httpx'", "'redis'"):
        assert heavy not in done.stdout
    for name in ("apps", "deploy", "git-credential", "doctor"):
        assert name in done.stdout
        assert run([name, "--help"]) == 0


@pytest.mark.parametrize(
    ("arguments", "call", "body"),
    [
        (["lock", "shop", "-m", "stock"], "POST /apps/shop/lock", {"reason": "stock"}),
        (["maintenance", "on", "shop"], "POST /apps/shop/maintenance", {"enabled": True, "message": ""}),
        (["maintenance", "off", "shop"], "POST /apps/shop/maintenance", {"enabled": False}),
        (["rollback", "--app", "shop", "--force", "-d"], "POST /apps/shop/rollback", {"force": True}),
        (
            ["deployments", "reject", "7", "--app", "shop", "-m", "no"],
            "POST /apps/shop/deployments/dep_7/reject",
            {"reason": "no"},
        ),
        (
            ["promote", "shop", "--to", "live", "--deployment", "7", "--force", "why", "-d"],
            "POST /apps/shop/promote",
            {"to": "live", "title": "", "force": True, "reason": "why", "deployment": "dep_7"},
        ),
    ],
)
def test_what_holds_and_promotes_is_sent_as_it_was_said(api, capsys, arguments, call, body):
    api.answers[call] = ACTION
    assert run(arguments) == 0
    assert api.body(call) == body
    assert capsys.readouterr().out == f"{ACTION['message']}\n"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["--approval"], {"protected": True}),
        (["--freeze", "none"], {"freeze": []}),
        (
            ["--freeze", "fri-mon,wed 16:00-08:00"],
            {
                "freeze": [
                    {"days": ["fri", "sat", "sun", "mon", "wed"], "begins": "16:00", "ends": "08:00", "reason": ""}
                ]
            },
        ),
        (
            ["--no-approval", "--freeze", "fri,sat 16:00-08:00 Days off", "--freeze", "mon 00:00-12:00"],
            {
                "protected": False,
                "freeze": [
                    {"days": ["fri", "sat"], "begins": "16:00", "ends": "08:00", "reason": "Days off"},
                    {"days": ["mon"], "begins": "00:00", "ends": "12:00", "reason": ""},
                ],
            },
        ),
    ],
)
def test_protection_is_sent_as_it_was_said(api, arguments, body):
    api.answers["PATCH /apps/shop"] = {**APP, "protected": True, "freeze": []}
    assert run(["apps", "protect", "shop", *arguments]) == 0
    assert api.body("PATCH /apps/shop") == body


def test_a_token_is_made_for_somebody_and_shown_once(api, capsys):
    api.answers["POST /tokens"] = {"token": "sly_new"}
    assert run(["tokens", "create", "laptop", "-s", "apps:read", "-s", "apps:deploy", "--for", "anna"]) == 0
    body = {"name": "laptop", "scopes": ["apps:read", "apps:deploy"], "person": "anna"}
    assert api.body("POST /tokens") == body
    assert capsys.readouterr().out == "sly_new\n"


def test_what_visitors_will_notice_is_said_before_it_is_followed(api, capsys):
    api.answers["POST /apps/shop/deploy"] = {**ACTION, "beforehand": "Requests wait up to 30 s."}
    assert run(["deploy", "shop"]) == 0
    assert capsys.readouterr().err.startswith("slipyard: Requests wait up to 30 s.\n")


@pytest.mark.parametrize("arguments", [[], ["--freeze", "friday"], ["--freeze", "fri 16-18"]])
def test_protection_that_says_nothing_is_wrong_usage(api, arguments):
    assert run(["apps", "protect", "shop", *arguments]) == 2
    assert api.requests == []


def test_the_queue_says_why(api, capsys):
    item = {"kind": "deployment", "app": "shop", "number": 7, "status": "pending", "position": None}
    api.answers["GET /queue"] = {
        "running": [],
        "waiting": [{**item, "reason": "Waits for approval.", "created_at": "2026-01-01T00:00:00Z"}],
    }
    assert run(["queue"]) == 0
    assert "Waits for approval." in capsys.readouterr().out
