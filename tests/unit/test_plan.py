"""How a tree is built is told from its files, in sentences, or refused with what to add."""

import json
from pathlib import Path

import pytest

from slipyard.builder.image_build import Dockerfile
from slipyard.builder.languages.procfile import parse_procfile
from slipyard.builder.languages.recipe import shell_command
from slipyard.builder.plan import BuildPlan, plan_build
from slipyard.builder.snapshot import snapshot_from
from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.domain.errors import SourceRefused
from slipyard.domain.source import Source
from tests.unit.tars import chunks, tar_of


async def plan(store: Path, files: dict, **source: object) -> BuildPlan:
    snapshot = await snapshot_from(chunks(tar_of(files)), store)
    return plan_build(SnapshotReader(snapshot.path), Source(**source))


def package(**more: object) -> bytes:
    return json.dumps({"name": "x", "version": "1.0.0", **more}).encode()


REFUSED = [
    ({"notes.txt": b""}, {}, "Looked in the root of the source for a Dockerfile, requirements.txt"),
    ({"notes.txt": b""}, {}, "found notes.txt"),
    ({"web/index.html": b""}, {"subdirectory": "api"}, "no directory 'api'"),
    ({"a": b""}, {"subdirectory": "a"}, "no directory 'a'"),
    ({"index.html": b""}, {"subdirectory": "../x"}, "does not lie inside"),
    ({"index.html": b""}, {"subdirectory": "/etc"}, "does not lie inside"),
    ({"index.html": b""}, {"dockerfile": "docker/web"}, "no file 'docker/web'"),
    ({"Dockerfile": b""}, {"dockerfile": "../Dockerfile"}, "does not lie inside"),
    ({"Dockerfile": b"FROM a AS one\nFROM b AS two\n"}, {"target": "three"}, "no stage 'three'; it has one, two"),
    ({"requirements.txt": b"flask"}, {}, "nothing says how it starts"),
    ({"package.json": package()}, {}, "nothing says how it starts"),
    ({"package.json": b"{"}, {}, "package.json cannot be read"),
    ({"package.json": b"[]"}, {}, "not an object"),
    ({"pyproject.toml": b"[", "main.py": b""}, {}, "pyproject.toml cannot be read"),
    ({"go.mod": b"module x\n", "lib.go": b"package lib\n"}, {}, "found none"),
    (
        {"go.mod": b"module x\n", "cmd/a/a.go": b"package main\n", "cmd/b/b.go": b"package main\n"},
        {},
        "found cmd/a, cmd/b",
    ),
    ({"go.mod": b"module x\n"}, {"build_command": "make"}, "needs a start_command"),
    ({"index.html": b"", "Procfile": b"web python app.py"}, {}, "Procfile line 1"),
    ({"index.html": b""}, {"build_args": {"A B": "1"}}, "no name for a build argument"),
    ({"index.html": b""}, {"build_secrets": ["a,target=/x"]}, "no name for a build argument"),
    ({"index.html": b""}, {"build_command": "a\nRUN b"}, "A command is one line"),
    ({"index.html": b""}, {"start_command": " "}, "A command is one line"),
]


@pytest.mark.parametrize(("files", "source", "why"), REFUSED, ids=[case[2] for case in REFUSED])
async def test_what_cannot_be_planned_is_refused_with_what_to_do(
    tmp_path: Path, files: dict, source: dict, why: str
) -> None:
    with pytest.raises(SourceRefused) as refusal:
        await plan(tmp_path, files, **source)
    assert why in refusal.value.message


class TestDockerfile:
    async def test_it_comes_before_everything_that_is_recognised(self, tmp_path: Path) -> None:
        made = await plan(tmp_path, {"Dockerfile": b"FROM scratch\n", "package.json": package()})
        assert (made.dockerfile, made.generated, made.detected) == (Dockerfile("Dockerfile"), False, "dockerfile")

    async def test_it_lies_in_the_subdirectory_or_where_the_app_says(self, tmp_path: Path) -> None:
        files = {"api/Dockerfile": b"FROM a\n", "api/docker/web": b"FROM b\n", "Dockerfile": b"FROM c\n"}
        assert (await plan(tmp_path, files, subdirectory="./api/")).dockerfile == Dockerfile("Dockerfile")
        assert (await plan(tmp_path, files, subdirectory="api", dockerfile="docker/web")).dockerfile == Dockerfile(
            "docker/web"
        )

    async def test_one_above_the_subdirectory_travels_as_text(self, tmp_path: Path) -> None:
        files = {"api/main.py": b"", "docker/api": b"FROM a\n"}
        made = await plan(tmp_path, files, subdirectory="api", dockerfile="../docker/api")
        assert made.dockerfile == Dockerfile("api", "FROM a\n")

    @pytest.mark.parametrize(
        ("text", "target", "port"),
        [
            ("FROM a\nEXPOSE 3000\n", None, 3000),
            ("FROM a\nexpose 3000/tcp 4000\n", None, 3000),
            ("FROM a AS one\nEXPOSE 1000\nFROM b AS two\nEXPOSE 2000\n", None, 2000),
            ("FROM a AS one\nEXPOSE 1000\nFROM b AS two\nEXPOSE 2000\n", "one", 1000),
            ("FROM a AS one\nEXPOSE 1000\nFROM one AS two\n", None, 1000),
            ("FROM a\nEXPOSE $PORT\n", None, None),
            ("FROM a\n# EXPOSE 3000\n", None, None),
            ("FROM a\nEXPOSE 99999\n", None, None),
            ("FROM a\nEXPOSE 53/udp\n", None, None),
        ],
    )
    async def test_the_port_that_it_exposes_is_a_hint(
        self, tmp_path: Path, text: str, target: str | None, port: int | None
    ) -> None:
        assert (await plan(tmp_path, {"Dockerfile": text.encode()}, target=target)).port_hint == port

    async def test_a_procfile_and_a_start_command_name_its_processes(self, tmp_path: Path) -> None:
        files = {"Dockerfile": b"FROM a\n", "Procfile": b"web: serve\nworker: work --hard\n"}
        assert (await plan(tmp_path, files)).processes == {"web": "serve", "worker": "work --hard"}
        assert (await plan(tmp_path, files, start_command="mine")).processes == {"web": "mine", "worker": "work --hard"}


GENERATED = [
    ({"requirements.txt": b"", "main.py": b""}, "python 3.11", ["FROM python:3.11-slim", "exec python main.py"]),
    ({"requirements.txt": b"", "main.py": b"", ".python-version": b"3.12.4\n"}, "python 3.12", ["FROM python:3.12-slim"]),
    ({"requirements.txt": b"", "main.py": b"", "runtime.txt": b"python-3.10.x"}, "python 3.10", ["FROM python:3.10-slim"]),
    ({"pyproject.toml": b'[project]\nrequires-python = ">=3.12"\n', "app.py": b""}, "python 3.12", ["pip install .", "exec python app.py"]),
    ({"pyproject.toml": b'[project]\nrequires-python = ">=3.8"\ndependencies=["a>1","b; x"]', "app.py": b""}, "python 3.11", ["pip install 'a>1' 'b; x'"]),
    ({"requirements.txt": b"fastapi\nuvicorn", "app.py": b"app = FastAPI()\n"}, "python 3.11", ["uvicorn --host 0.0.0.0 --port $PORT app:app"]),
    ({"requirements.txt": b"flask\ngunicorn", "wsgi.py": b"application: Any = make()\n"}, "python 3.11", ["gunicorn --bind 0.0.0.0:$PORT wsgi:application"]),
    ({"requirements.txt": b"Flask==3", "app.py": b"app = Flask()\n"}, "python 3.11", ["flask --app app:app run --host 0.0.0.0 --port $PORT"]),
    ({"requirements.txt": b"django\ngunicorn", "manage.py": b"", "shop/wsgi.py": b""}, "python 3.11", ["gunicorn --bind 0.0.0.0:$PORT shop.wsgi"]),
    ({"requirements.txt": b"-r base.txt", "main.py": b""}, "python 3.11", ["COPY --chown=app:app . .\nRUN --mount=type=cache,target=/root/.cache/pip"]),
    ({"requirements.txt": b"x", "Procfile": b"web: a && b\n"}, "python 3.11", ['CMD ["/bin/sh", "-c", "a && b"]']),
    ({"package.json": package(scripts={"start": "node a.js"}), "package-lock.json": b"{}"}, "node 20", ["npm ci --omit=dev", "exec node a.js"]),
    ({"package.json": package(scripts={"start": "next start"}, engines={"node": "22.x"})}, "node 22", ["FROM node:22-slim", "npm install", "exec npm start"]),
    ({"package.json": package(main="lib/x.js", engines={"node": ">=18"}), "lib/x.js": b""}, "node 20", ["exec node lib/x.js"]),
    ({"package.json": package(engines={"node": "^18.2"}), "server.js": b""}, "node 18", ["exec node server.js"]),
    ({"package.json": package(scripts={"build": "tsc", "start": "node a.js"}), "yarn.lock": b""}, "node 20", ["yarn run build", "yarn install --frozen-lockfile --production"]),
    ({"package.json": package(), "server.js": b"", "pnpm-lock.yaml": b""}, "node 20", ["pnpm install --frozen-lockfile --prod"]),
    ({"package.json": package(scripts={"build": "vite build"}, devDependencies={"vite": "5"})}, "static site, built by node 20", ["COPY --from=build /app/dist /site"]),
    ({"go.mod": b"module e.com/x/v2\n\ngo 1.23\n", "main.go": b"package main\n"}, "go 1.23", ["FROM golang:1.23 AS build", "go build", "exec x"]),
    ({"go.mod": b"module x\ngo 1.19\n", "go.sum": b"", "cmd/web/m.go": b"package main\n", "templates/a": b""}, "go 1.22", ["COPY go.mod go.sum ./", "-o /out/ ./cmd/web", "exec web", "COPY --chown=app:app templates"]),
    ({"index.html": b""}, "static site", ["COPY . /site", "USER 10001:10001"]),
    ({"public/index.html": b""}, "static site", ["COPY public /site"]),
]  # fmt: skip


@pytest.mark.parametrize(("files", "detected", "lines"), GENERATED, ids=[" ".join(case[2]) for case in GENERATED])
async def test_a_recognised_app_gets_a_dockerfile_of_its_own(
    tmp_path: Path, files: dict, detected: str, lines: list[str]
) -> None:
    made = await plan(tmp_path, files)
    assert made.generated
    assert made.detected == detected
    for line in lines:
        assert line in made.dockerfile.text
    assert made.port_hint == 8080
    assert "ENV PORT=8080" in made.dockerfile.text
    last_stage = made.dockerfile.text.rpartition("\nFROM ")[2]
    assert "USER " in last_stage
    assert last_stage.index("USER ") < last_stage.index("CMD ")
    assert all(sentence.endswith(".") for sentence in made.explanation)


class TestWishes:
    async def test_commands_arguments_and_secrets_reach_the_dockerfile(self, tmp_path: Path) -> None:
        files = {"requirements.txt": b"x", "main.py": b""}
        made = await plan(
            tmp_path,
            files,
            build_command="make assets",
            start_command="run me",
            build_args={"MODE": "x"},
            build_secrets=["KEY"],
        )
        text = made.dockerfile.text
        assert "ARG MODE\n" in text
        assert '--mount=type=secret,id=KEY \\\n    export KEY="$(cat /run/secrets/KEY)" && make assets' in text
        assert '"exec run me"' in text
        assert made.secrets == ("KEY",)

    async def test_a_subdirectory_is_looked_at_alone(self, tmp_path: Path) -> None:
        made = await plan(tmp_path, {"package.json": package(), "site/index.html": b""}, subdirectory="site")
        assert made.detected == "static site"

    async def test_caches_are_mounts_and_stay_out_of_the_image(self, tmp_path: Path) -> None:
        made = await plan(tmp_path, {"go.mod": b"module x\n", "main.go": b"package main\n"})
        assert "--mount=type=cache,target=/go/pkg/mod" in made.dockerfile.text


class TestKey:
    async def test_the_same_tree_and_plan_have_the_same_key(self, tmp_path: Path) -> None:
        files = {"requirements.txt": b"", "main.py": b""}
        assert (await plan(tmp_path, files)).key("sha256:a") == (await plan(tmp_path, files)).key("sha256:a")

    async def test_everything_that_changes_the_image_changes_the_key(self, tmp_path: Path) -> None:
        files = {"Dockerfile": b"FROM a AS one\n", "other": b"FROM b\n", "sub/Dockerfile": b"FROM a AS one\n"}
        plain = {"build_args": {"A": "1"}}
        sources = [
            plain, {"build_args": {"A": "2"}}, {**plain, "target": "one"}, {**plain, "platform": "linux/arm64"},
            {**plain, "dockerfile": "other"}, {**plain, "subdirectory": "sub"}, {**plain, "build_secrets": ["S"]},
        ]  # fmt: skip
        keys = {(await plan(tmp_path, files, **source)).key("sha256:a") for source in sources}
        keys.add((await plan(tmp_path, files, **plain)).key("sha256:b"))
        assert len(keys) == len(sources) + 1


def test_a_procfile_is_read_as_its_authors_write_it() -> None:
    text = (
        "# processes\n\nweb: gunicorn app:app  \nrelease : python manage.py migrate\nbig-worker: FOO=1 work | tee log\n"
    )
    assert parse_procfile(text) == {
        "web": "gunicorn app:app",
        "release": "python manage.py migrate",
        "big-worker": "FOO=1 work | tee log",
    }


@pytest.mark.parametrize("text", ["web", "web:", ": x", "we b: x", "web: a\nweb: b", "-web: x"])
def test_a_procfile_with_another_line_is_refused(text: str) -> None:
    with pytest.raises(SourceRefused, match="Procfile line"):
        parse_procfile(text)


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("python app.py", "exec python app.py"),
        ("serve --port $PORT", "exec serve --port $PORT"),
        ("exec serve", "exec serve"),
        ("A=1 serve", "A=1 serve"),
        ("a && b", "a && b"),
        ("cd x; serve", "cd x; serve"),
        ("echo 'unclosed", "echo 'unclosed"),
    ],
)
def test_a_single_program_takes_the_place_of_the_shell(line: str, run: str) -> None:
    assert shell_command(line) == ("/bin/sh", "-c", run)
