"""A compose file becomes an app: what would reach beyond its containers is refused by name, with the line."""

import pytest

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import SourceRefused, ValidationFailed
from slipyard.domain.formation import formation
from slipyard.domain.health import HealthCheck, HealthType
from slipyard.domain.manifest import ImagePlan, Manifest
from slipyard.domain.manifests.compose.filled import Variables
from slipyard.domain.manifests.compose.read import read_compose
from slipyard.domain.resources import Resources
from slipyard.domain.service import Condition, Dependency
from slipyard.domain.volume import Mount

TOLD = Variables({"TAG": "7", "LINKED": "${app:db.url}"}, {"PASSWORD"})


def read(text: str, **files: str) -> Manifest:
    named = {name.replace("__", "."): content for name, content in files.items()}
    return read_compose("compose.yaml", text, TOLD, named.get)


def service(line: str) -> str:
    return f"services:\n  a:\n    image: x\n    {line}\n"


REFUSED = [
    ("privileged: true", "would reach beyond its container"),
    ("cap_add: [NET_ADMIN]", "would reach beyond its container"),
    ("devices: [/dev/fuse]", "would reach beyond its container"),
    ("network_mode: host", "share one network"),
    ("pid: host", "would reach beyond its container"),
    ("ipc: host", "would reach beyond its container"),
    ("userns_mode: host", "would reach beyond its container"),
    ("security_opt: [seccomp=unconfined]", "would reach beyond its container"),
    ("container_name: shop", "several releases run side by side"),
    ("extends: {file: other.yaml, service: a}", "Write the service out"),
    ("volumes: ['./site.conf:/etc/site.conf:ro']", "mounts './site.conf' of the machine"),
    ("volumes: ['/var/run/docker.sock:/var/run/docker.sock']", "mounts '/var/run/docker.sock' of the machine"),
    ("volumes: ['~/x:/x']", "of the machine"),
    ("volumes: [{type: bind, source: /, target: /host}]", "mounts '/' of the machine"),
    ("volumes: ['data:/data']", "uses the volume 'data'"),
    ("user: root", "say it in the Dockerfile (USER)"),
    ("imag: y", "is no key of a service; did you mean image?"),
    ("ports: ['8000-8010:8000-8010']", "is not one port"),
    ("ports: [{published: 80}]", "has no target"),
    ("command: 'a \"b'", "a quote that is not closed"),
    ("command: run ${PASSWORD}", "uses the secret PASSWORD, which may only stand in `environment`"),
    ("command: run ${LINKED}", "uses LINKED, which refers to something else"),
    ("command: run ${NONE:?say which}", "needs the variable NONE, which is not set: say which"),
    ("environment: {A: '${NONE:?say which}'}", "needs the variable NONE"),
    ("environment: {A: '${secret:PASSWORD}'}", "something behind it that means nothing"),
    ("environment: [A B=1]", "no name of a variable"),
    ("env_file: .env", "is not in the repository. Import it with `slipyard env import`"),
    ("env_file: bad.env", "Line 1 of the .env file"),
    ("depends_on: [b]", "there is no such service"),
    ("depends_on: {a: {condition: ready}}", "is one of service_started"),
    ("healthcheck: {test: [curl, localhost]}", "begins with CMD"),
    ("healthcheck: {test: x, interval: 5q}", "is no duration"),
    ("deploy: {resources: {limits: {memory: 1M}}}", "memory is an amount between"),
    ("deploy: {mode: global}", "is replicated here"),
    ("deploy: {replicas: many}", "is a whole number"),
    ("stop_grace_period: 2h", "is an hour at most"),
    ("secrets: [key]", "names the secret 'key'"),
    ("x-slipyard: {prot: 1}", "did you mean port?"),
    ("x-slipyard: {volumes: []}", "is said by the compose file itself"),
]


@pytest.mark.parametrize(("line", "why"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_a_service_may_not_say_is_refused_by_name_with_its_line(line: str, why: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        read(service(line), bad__env="no equals sign")
    assert why in refused.value.message
    assert refused.value.message.startswith("compose.yaml line 4: services.a")


WHOLE = [
    ("- a", "begins with `services:`"),
    ("services: {}", "has no services"),
    ("services: {a: {profiles: [debug], image: x}}", "services are 0"),
    ("services: {a: {}}", "neither an image nor a build"),
    ("services: {a/b: {image: x}}", "has a name that is none"),
    ("services: {a: {image: 'UPPER CASE'}}", "services.a.image cannot be read"),
    ("services: {a: {image: x}}\ninclude: [other.yaml]", "is not followed"),
    ("services: {a: {image: x}}\nconfigs: {c: {file: x}}", "are not read"),
    ("services: {a: {image: x}}\nnetworks: {n: {external: true}}", "lies outside of the app"),
    ("services: {a: {image: x}}\nvolumes: {v: {external: true}}", "is external"),
    ("services: {a: {image: x}}\nvolumes: {v: {driver_opts: {device: /, o: bind}}}", "of the machine"),
    ("services: {a: {image: x}}\nvolumes: {v: {driver: nfs}}", "is local here"),
    ("services: {a: {image: x}}\nservice: {}", "is no key of a compose file"),
    ("services: {a: {build: ../x}}", "lies above the app's directory"),
    ("services: {a: {build: 'https://example.org/x.git'}}", "which is not in this repository"),
    ("services: {a: {build: {context: ., ssh: [default]}}}", "Make the key a secret for builds"),
    ("services: {a: {build: {context: ., network: host}}}", "a network of their own"),
    ("services: {a: {build: {context: ., args: [KEY=$PASSWORD]}}}", "uses the secret PASSWORD"),
    ("services: {a: {build: {context: ., args: [PASSWORD]}}}", "uses the secret PASSWORD"),
    ("services: {a: {build: {dockerfile: a, dockerfile_inline: b}}}", "Keep one of them"),
]


@pytest.mark.parametrize(("text", "why"), WHOLE, ids=[text for text, _ in WHOLE])
def test_what_a_file_may_not_say_is_refused(text: str, why: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        read(text)
    assert why in refused.value.message


def test_a_blog_with_its_database() -> None:
    manifest = read("""
services:
  blog:
    image: wordpress:6
    restart: always
    ports: ["8080:80"]
    environment:
      WORDPRESS_DB_HOST: db
      WORDPRESS_DB_PASSWORD: ${PASSWORD}
    depends_on: {db: {condition: service_healthy, restart: true}}
    volumes: [files:/var/www/html]
  db:
    image: mariadb:11
    environment: [MARIADB_DATABASE=blog, "MARIADB_PASSWORD=${PASSWORD}", MARIADB_RANDOM_ROOT_PASSWORD=1]
    healthcheck:
      test: ["CMD-SHELL", "healthcheck.sh --connect $${MORE}"]
      interval: 10s
      timeout: 5s
      retries: 3
      start_period: 1m
    expose: [3306]
    volumes: [{type: volume, source: data, target: /var/lib/mysql, read_only: false}]
    stop_grace_period: 1m30s
volumes: {files: , data: {}}
""")
    blog, db = manifest.services["blog"], manifest.services["db"]
    assert (blog.image, blog.port, blog.public) == ("docker.io/library/wordpress:6", 80, True)
    assert blog.depends_on == (Dependency(service="db", condition=Condition.HEALTHY),)
    assert (db.port, db.public, db.stop_grace_seconds) == (3306, None, 90)
    assert db.mounts == (Mount(volume="data", path="/var/lib/mysql"),)
    assert db.health_check == HealthCheck(
        command="healthcheck.sh --connect ${MORE}", interval=10, timeout=5, retries=3, start_period=105
    )
    assert manifest.image == blog.image
    assert manifest.env_of("blog", {"PASSWORD": "p4ss"})["WORDPRESS_DB_PASSWORD"] == "p4ss"
    assert "p4ss" not in manifest.model_dump_json()
    assert any("does not take a port of the machine" in warning for warning in manifest.warnings)


def test_a_web_app_with_workers_and_a_migration() -> None:
    manifest = read(
        """
x-app: &app
  build: {context: ., args: {VERSION: 1.10}, target: run}
  env_file: [app.env, {path: local.env, required: false}]
services:
  worker: {<<: *app, command: celery -A shop worker --name "a b", deploy: {replicas: 2}}
  migrate: {<<: *app, command: [./manage, migrate]}
  web:
    <<: *app
    ports: [{target: 8000, published: "80"}]
    depends_on: {migrate: {condition: service_completed_successfully}, cache: {condition: service_started}}
    deploy: {resources: {limits: {cpus: 0.25, memory: 256M}, reservations: {cpus: 0.1}}}
    secrets: [key, {source: cert, target: /etc/cert.pem}]
    labels: {team: shop}
  tiles: {build: tiles, mem_limit: 1g, cpus: "1.5", healthcheck: {disable: true}}
  tiles-again: {build: {context: ./tiles/}}
  cache: {image: "redis:${TAG}", tty: true, networks: {default: {aliases: [redis]}}}
  debug: {image: adminer, profiles: [debug]}
secrets: {key: {file: ./key.txt}, cert: {environment: PASSWORD}}
x-slipyard: {release_command: ./manage check, cron: [{schedule: "@daily", command: ./manage tidy}]}
""",
        app__env="MODE=live\nPRICE=$5\n",
    )
    services = manifest.services
    assert list(services) == ["worker", "migrate", "web", "tiles", "tiles-again", "cache"]
    assert manifest.build == ImagePlan(context="", target="run", args={"VERSION": "1.10"})
    assert manifest.builds == {"tiles": ImagePlan(context="tiles")}
    assert {name: each.build for name, each in services.items() if each.build} == {
        "tiles": "tiles",
        "tiles-again": "tiles",
    }
    assert services["worker"].command == ("celery", "-A", "shop", "worker", "--name", "a b")
    assert (services["worker"].replicas, services["migrate"].one_shot) == (2, True)
    assert manifest.env_of("web", {}) == {"MODE": "live", "PRICE": "$5"}
    assert services["web"].resources == Resources(cpu="250m", memory="256Mi")
    assert services["web"].secret_files == {"/run/secrets/key": "key", "/etc/cert.pem": "PASSWORD"}
    assert services["tiles"].resources == Resources(cpu="1500m", memory="1024Mi")
    assert services["tiles"].health_check == HealthCheck(type=HealthType.TCP)
    assert (services["cache"].image, services["cache"].aliases) == ("docker.io/library/redis:7", ("redis",))
    assert manifest.commands == {"release": "./manage check"}
    told = "\n".join(manifest.warnings)
    assert all(word in told for word in ("labels", "reservations", "profile", "secrets set key", "port of the machine"))
    assert formation(AppConfig(), manifest, {"web": "from a Procfile"}).main == "web"


def test_a_required_variable_that_goes_later_is_missed_when_the_release_is_made() -> None:
    manifest = read(service("environment: {A: '${TAG:?which one}'}"))
    assert manifest.env_of("a", {"TAG": "7"}) == {"A": "7"}
    with pytest.raises(ValidationFailed, match="A of the service a needs the variable TAG"):
        manifest.env_of("a", {})
