"""A tree without a Dockerfile becomes an image that builds on the real engine, serves on $PORT, and does not run as root."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path

import docker
import httpx
import pytest

from slipyard.builder.buildkit.connect import engine_builder
from slipyard.builder.context import filter_context
from slipyard.builder.image_build import ImageBuild
from slipyard.builder.plan import plan_build
from slipyard.builder.snapshot import snapshot_from
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.domain.ids import new_id
from slipyard.domain.source import Source
from tests.engine.docker_world import DOCKER_HOST
from tests.engine.polling import until
from tests.unit.tars import chunks, tar_of

LABELS = {"org.slipyard.test": "generated-dockerfiles"}
LOCK = {
    "name": "x",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {"": {"name": "x", "version": "1.0.0"}},
}

TREES: dict[str, tuple[dict[str, bytes], dict[str, object], str]] = {
    "python script": (
        {
            "requirements.txt": b"itsdangerous==2.2.0\n",
            "main.py": b"import itsdangerous, os\nfrom http.server import *\n"
            b"class H(SimpleHTTPRequestHandler):\n def do_GET(self):\n  self.send_response(200)\n  self.end_headers()\n"
            b"  self.wfile.write(itsdangerous.__name__.encode())\n"
            b"HTTPServer(('0.0.0.0', int(os.environ['PORT'])), H).serve_forever()\n",
        },
        {},
        "itsdangerous",
    ),
    "python framework behind a server, from a Procfile": (
        {
            "requirements.txt": b"gunicorn==23.0.0\n",
            "app.py": b"def app(environ, start):\n start('200 OK', [])\n return [b'wsgi']\n",
            "Procfile": b"web: gunicorn --bind 0.0.0.0:$PORT app:app\nworker: python -V\n",
        },
        {},
        "wsgi",
    ),
    "python project that lists what it needs": (
        {
            "pyproject.toml": b'[project]\nname="x"\nversion="1"\nrequires-python=">=3.11"\ndependencies=["gunicorn>=23,<24"]\n',
            "app.py": b"def app(environ, start):\n start('200 OK', [])\n return [b'project']\n",
        },
        {},
        "project",
    ),
    "node, with a build command and a secret in it": (
        {
            "package.json": json.dumps({"name": "x", "version": "1.0.0", "scripts": {"start": "node server.js"}}).encode(),
            "package-lock.json": json.dumps(LOCK).encode(),
            "server.js": b"require('http').createServer((q, s) => s.end(require('fs').readFileSync('made')))"
            b".listen(process.env.PORT)\n",
        },
        {"build_command": 'printf "%s" "$MODE ${#TOKEN}" > made', "build_args": {"MODE": "built"}, "build_secrets": ["TOKEN"]},
        "built 6",
    ),
    "node, started by npm": (
        {
            "package.json": json.dumps({"name": "x", "version": "1.0.0", "main": "server.js", "scripts": {"start": "X=npm node server.js"}}).encode(),
            "server.js": b"require('http').createServer((q, s) => s.end(process.env.X)).listen(process.env.PORT)\n",
        },
        {},
        "npm",
    ),
    "go, below cmd": (
        {
            "go.mod": b"module example.com/x\n\ngo 1.19\n",
            "cmd/serve/main.go": b'package main\nimport ("io"; "net/http"; "os")\nfunc main() {\n http.ListenAndServe(":"+os.Getenv("PORT"), '
            b'http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "go") }))\n}\n',
        },
        {},
        "go",
    ),
    "pages": ({"index.html": b"pages", "css/a.css": b""}, {}, "pages"),
}  # fmt: skip


@pytest.fixture
async def engine() -> AsyncIterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=DOCKER_HOST)
    yield client
    await asyncio.to_thread(clean_up, client)


def clean_up(client: docker.DockerClient) -> None:
    label = {"label": [f"{name}={value}" for name, value in LABELS.items()]}
    for container in client.containers.list(all=True, filters=label):
        container.remove(force=True)
    for image in client.images.list(filters=label):
        client.images.remove(image.id, force=True)
    client.close()


async def build(files: Mapping[str, bytes], source: Source, store: Path) -> tuple[str, list]:
    snapshot = await snapshot_from(chunks(tar_of(files)), store)
    plan = plan_build(SnapshotReader(snapshot.path), source)
    context = await filter_context(
        snapshot.path, store / "contexts", plan.subdirectory, plan.dockerfile, plan.default_ignores
    )
    said: list = []
    request = ImageBuild(
        build_id=new_id("bld"), context=context.path, dockerfile=context.dockerfile, reference=f"slipyard-test/{new_id('img')}:1",
        cache_namespace="slipyard-test", build_args=plan.build_args, labels=LABELS, secrets=dict.fromkeys(plan.secrets, b"hushhh"),
    )  # fmt: skip
    await (await engine_builder(DOCKER_HOST)).build(request, said.append)
    return request.reference, said


@pytest.mark.parametrize("kind", TREES)
async def test_a_recognised_tree_is_built_and_served_without_root(
    kind: str, engine: docker.DockerClient, tmp_path: Path
) -> None:
    files, wishes, expected = TREES[kind]
    reference, _ = await build(files, Source(**wishes), tmp_path)
    container = await asyncio.to_thread(
        engine.containers.run, reference, detach=True, environment={"PORT": "9123"}, labels=LABELS, cap_drop=["ALL"],
        security_opt=["no-new-privileges"], init=True,
    )  # fmt: skip
    await asyncio.to_thread(container.reload)
    address = container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    answers: list[str] = []

    async def served() -> bool:
        await asyncio.to_thread(container.reload)
        assert container.status == "running", container.logs().decode()
        async with httpx.AsyncClient(trust_env=False) as client:
            with suppress(httpx.HTTPError):
                answers.append((await client.get(f"http://{address}:9123/", timeout=2)).text)
        return bool(answers)

    await until(served)
    assert answers == [expected]
    processes = await asyncio.to_thread(container.top, ps_args="-eo uid,pid")
    assert "0" not in {process[0] for process in processes["Processes"]}
    await asyncio.to_thread(container.stop, timeout=8)
    await asyncio.to_thread(container.reload)
    assert container.attrs["State"]["ExitCode"] != 137, "the signal to stop did not reach the program"


async def test_a_change_of_the_code_installs_nothing_again(engine: docker.DockerClient, tmp_path: Path) -> None:
    files, _, _ = TREES["python framework behind a server, from a Procfile"]
    await build(files, Source(), tmp_path)
    _, said = await build(files | {"app.py": b"changed = 1\n"}, Source(), tmp_path)
    installs = [step for step in said if "pip install" in getattr(step, "name", "")]
    assert installs
    assert any(step.cached for step in installs)


async def test_a_build_secret_is_in_no_layer(engine: docker.DockerClient, tmp_path: Path) -> None:
    files, wishes, _ = TREES["node, with a build command and a secret in it"]
    reference, _ = await build(files, Source(**wishes), tmp_path)
    image = await asyncio.to_thread(engine.images.get, reference)
    saved = await asyncio.to_thread(lambda: b"".join(image.save()))
    assert b"hushhh" not in saved
    assert "hushhh" not in json.dumps(image.history())
