"""Where values come from that nobody said: the tree, the image, a deployment."""

from slipyard.domain.app import AppConfig
from slipyard.domain.configuration import Configuration, Secret
from slipyard.domain.explained import explain
from slipyard.domain.manifests.slipyard_yaml import read_slipyard_yaml
from slipyard.domain.release import ImageIdentity, ImageOrigin, ReleaseConfig, ServiceSpec

ORIGIN = ImageOrigin(exposed_ports=(8000,), health_command=("check",), processes={"web": "serve", "release": "migrate"})
LIVE = ReleaseConfig(
    image=ImageIdentity(reference="shop:1", image_id="sha256:1"),
    services=(ServiceSpec(port=8000),),
    origin=ORIGIN,
    env_fingerprints={"ONCE": "f00", "A": "ba5"},
)


def origins(config: AppConfig, live: ReleaseConfig | None) -> dict[str, tuple[object, str]]:
    configuration = Configuration(
        env={"A": "1", "B": "$${secret:S}"}, secrets={"S": Secret(value="s3cret"), "V": Secret(origin="vault:a")}
    )
    return {each.name: (each.value, each.origin) for each in explain(config, configuration, live)}


def test_what_nobody_said_may_come_from_the_tree_or_the_image() -> None:
    found = origins(AppConfig(), LIVE)
    assert found["port"] == (8000, "image")
    assert found["source.start_command"] == ("serve", "Procfile")
    assert found["release_command"] == ("migrate", "Procfile")
    assert found["health_check.command"] == (["check"], "image")
    assert found["before_deploy"] == (None, "default")


def test_what_somebody_said_wins() -> None:
    found = origins(AppConfig(port=9000, release_command="mine"), LIVE)
    assert (found["port"], found["release_command"]) == ((9000, "app"), ("mine", "app"))


def test_variables_and_secrets_are_named_and_never_shown() -> None:
    found = origins(AppConfig(), LIVE)
    assert {name: found[name] for name in ("env.A", "env.B", "env.ONCE", "secret.S", "secret.V")} == {
        "env.A": (None, "app"),
        "env.B": (None, "app"),
        "env.ONCE": (None, "deployment"),
        "secret.S": (None, "app"),
        "secret.V": (None, "vault:a"),
    }


def test_before_anything_is_live_defaults_are_defaults() -> None:
    assert origins(AppConfig(), None)["port"] == (None, "default")


def test_what_its_repository_says_names_the_file() -> None:
    said, _ = read_slipyard_yaml(
        "port: 8000\nreplicas: 2\nhealth_check: {path: /up}\nrelease_command: other\nenv: {ONCE: x}\nwatch_paths: ['*.py']"
    )
    live = LIVE.model_copy(update={"origin": ORIGIN.model_copy(update={"manifest": said})})
    found = origins(AppConfig(), live)
    assert found["port"] == (8000, "slipyard.yaml")
    assert found["min_instances"] == (2, "slipyard.yaml")
    assert found["health_check.path"] == ("/up", "slipyard.yaml")
    assert found["release_command"] == ("other", "slipyard.yaml")
    assert found["watch_paths"] == (["*.py"], "slipyard.yaml")
    assert found["env.ONCE"] == (None, "slipyard.yaml")
    assert found["resources.memory"] == ("512Mi", "default")
    assert origins(AppConfig(port=9000), live)["port"] == (9000, "app")
