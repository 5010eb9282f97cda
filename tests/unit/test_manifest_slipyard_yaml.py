"""slipyard.yaml is read strictly: what it may not say is refused with its line, and an alias of aliases is no bomb."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused
from slipyard.domain.health import HealthCheck
from slipyard.domain.manifest import Manifest
from slipyard.domain.manifests.slipyard_yaml import json_schema, read_slipyard_yaml
from slipyard.domain.manifests.yaml_document import MOST_BYTES, read_yaml
from slipyard.domain.resources import Resources
from slipyard.domain.service import Condition, Dependency
from slipyard.domain.volume import Mount

SCHEMA = Path(__file__).parents[2] / "docs" / "slipyard.schema.json"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

NO_YAML = [
    ("port: 1\nport: 2", "line 2: 'port' stands here twice"),
    ("port: !!python/object:os.system x", "line 1: the tag 'python/object:os.system' means nothing"),
    ("a: !x 1", "line 1: the tag '!x'"),
    ("a: [", "line 1: this is no valid YAML"),
    ("a: b: c", "line 1: this is no valid YAML: mapping values are not allowed here"),
    ("a: 1\n---\nb: 2", "but found another document"),
    ("a: &a [*a]", "larger than anybody writes"),
    ("{? [1]: 2}", "a key is a text"),
    ("a: {<<: 1}", "`<<` merges a mapping"),
    (LAUGHS, "larger than anybody writes"),
    ("[" * 5000, "nested deeper"),
    ("a: " + "x" * MOST_BYTES, "more than 256 KiB"),
    ("\x00", "no valid YAML"),
]


@pytest.mark.parametrize(("text", "why"), NO_YAML, ids=[why for _, why in NO_YAML])
def test_what_is_no_yaml_of_ours_is_refused(text: str, why: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        read_yaml("slipyard.yaml", text)
    assert why in refused.value.message
    assert refused.value.message.startswith("slipyard.yaml")


REFUSED = [
    ("- a", "line 1: this is no mapping"),
    ("prot: 1", "line 1: there is no 'prot' here; did you mean port?"),
    ("services:\n  web:\n    comand: x", "line 3: services.web: there is no 'comand' here; did you mean command?"),
    ("build:\n  contxt: a", "line 2: build: there is no 'contxt' here; did you mean context?"),
    ("services:\n  web:\n    volumes: [x]", "line 3: services.web.volumes: 'x' is no volume and path"),
    ("\n\nport: abc", "line 3: port:"),
    ("port: 99999\nreplicas: -1", "1 more: `slipyard config validate` lists them"),
    ("services: {a/b: {}}", "services.a/b"),
    ("services: [web]", "services:"),
    ("services: {web: {depends_on: {db: ready}}}", "services.web.depends_on.db: input should be 'started'"),
    ("health_check:\n  interval: 5q", "line 2: health_check.interval: '5q' is no length of time"),
    ("cron: [{command: a}]", "cron.0: schedule is missing here"),
    ("cron: [{command: a, schedule: '61 * * * *'}]", "cron.0.schedule"),
    ("cron: [{command: a, schedule: '@daily', time_zone: Mars/Olympus}]", "there is no time zone"),
    ("env:\n  A: null", "line 2: env.A"),
    ("env:\n  A: [1]", "line 2: env.A"),
    ("resources: {memory: 1Mi}", "resources.memory: memory is an amount between"),
    ("volumes: {data: {size: 5q}}", "'5q' is no size"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_it_may_not_say_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        read_slipyard_yaml(text)
    assert why in refused.value.message


@settings(deadline=None)
@given(st.text(alphabet=string.printable, max_size=200))
def test_whatever_somebody_writes_is_read_or_refused(text: str) -> None:
    try:
        manifest, _ = read_slipyard_yaml(text)
    except SourceRefused:
        return
    assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_the_short_forms_mean_what_they_say() -> None:
    manifest, compose = read_slipyard_yaml("""
name: shop
build: {target: prod, args: {VERSION: 1.10, DEBUG: true}}
command: ./serve
port: 8080
health_check: {path: /healthz, interval: 30s, expected_status: [200, 204]}
release_command: ./migrate
env: {PRICE: 1.10, ON: yes}
services:
  web: {replicas: 2, depends_on: [db]}
  worker:
    build: worker
    command: [python, work.py]
    depends_on: {db: started, setup: completed}
    resources: {cpu: 0.5, memory: 256Mi}
    stop_grace_period: 1m
    volumes: [data:/data, "more:/more:ro"]
  db: {image: "postgres:16"}
  setup:
volumes: {data: {size: 5g}, more: }
cron: [{schedule: "@daily", command: ./tidy}]
watch_paths: ["api/**"]
""")
    assert compose is None
    assert manifest.build is not None
    assert (manifest.build.target, manifest.build.args) == ("prod", {"VERSION": "1.10", "DEBUG": "true"})
    assert manifest.env == {"PRICE": "1.10", "ON": "yes"}
    web, worker = manifest.services["web"], manifest.services["worker"]
    assert (web.port, web.replicas, web.command) == (8080, 2, "./serve")
    assert web.health_check == HealthCheck(path="/healthz", interval=30, expected_status="200,204")
    assert web.depends_on == (Dependency(service="db", condition=Condition.HEALTHY),)
    assert (worker.build, worker.command, worker.stop_grace_seconds) == ("worker", ("python", "work.py"), 60)
    assert worker.resources == Resources(cpu="0.5", memory="256Mi")
    assert worker.mounts == (Mount(volume="data", path="/data"), Mount(volume="more", path="/more", read_only=True))
    assert [each.condition for each in worker.depends_on or ()] == [Condition.STARTED, Condition.COMPLETED]
    assert manifest.builds["worker"].context == "worker"
    assert {name: plan.size for name, plan in manifest.volumes.items()} == {"data": 5 << 30, "more": None}
    assert (manifest.cron[0].schedule, manifest.watch_paths) == ("@daily", ("api/**",))
    assert manifest.commands == {"release": "./migrate"}


def test_merge_keys_and_anchors_mean_what_they_mean_elsewhere() -> None:
    manifest, _ = read_slipyard_yaml(
        "services:\n  a: &a {command: x, replicas: 2}\n  b: {<<: *a, replicas: 3}\n  c: {<<: [*a, {port: 1}]}\n"
    )
    said = {name: (each.command, each.replicas, each.port) for name, each in manifest.services.items()}
    assert said == {"a": ("x", 2, None), "b": ("x", 3, None), "c": ("x", 2, 1)}


def test_the_stronger_file_wins_field_by_field() -> None:
    strong, _ = read_slipyard_yaml("services: {web: {port: 1, env: {A: $x}}}\nenv: {K: strong}")
    weak, _ = read_slipyard_yaml("services: {web: {port: 2, replicas: 3}, db: {image: x}}\nenv: {K: weak, L: weak}")
    both = strong.over(weak)
    assert (both.services["web"].port, both.services["web"].replicas, list(both.services)) == (1, 3, ["web", "db"])
    assert both.env == {"K": "strong", "L": "weak"}
    filled_in = strong.over(weak.model_copy(update={"templates": True}))
    assert filled_in.env_of("web", {"x": "never"}) == {"A": "$x"}


def test_the_schema_for_editors_is_the_one_that_is_read() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), (
        "slipyard config validate --schema > docs/slipyard.schema.json"
    )
