from typing import Any

import pytest

from slipyard.domain.health import HealthCheck
from slipyard.domain.release import ImageIdentity, ReleaseConfig, ServiceSpec
from slipyard.domain.release_difference import differences


def config(service: dict[str, Any] | None = None, **fields: Any) -> ReleaseConfig:
    image = ImageIdentity(reference="r.example/a:1", image_id="sha256:" + "a" * 64)
    return ReleaseConfig(**{"image": image, "services": (ServiceSpec(**{"port": 3000, **(service or {})}),), **fields})


def test_releases_that_are_alike_differ_in_nothing():
    assert differences(config(commit="c" * 40), config(commit="c" * 40)) == []


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        (config({"port": 4000}), config(), "The port of web goes from 4000 to 3000."),
        (config({"port": None}), config(), "The port of web goes from none to 3000."),
        (config({"command": ("a", "b")}), config(), 'The command of web goes from "a b" to none of its own.'),
        (config({"replicas": 3}), config(), "The number of instances of web goes from 3 to 1."),
        (config(commit="d" * 40), config(), "The commit goes from dddddddddddd to none."),
        (config(env_fingerprints={"A": "1"}), config(), "The variable A goes away."),
        (config(), config(env_fingerprints={"A": "1"}), "The variable A comes back."),
        (config(commands={"release": ("x",)}), config(), 'The command release goes from "x" to none of its own.'),
        (
            config({"health_check": HealthCheck(path="/up")}),
            config(),
            "The health check's path of web goes from /up to none.",
        ),
    ],
)
def test_each_difference_is_a_sentence(now, then, said):
    assert differences(now, then) == [said]


def test_values_and_headers_are_never_told():
    now = config(
        {"health_check": HealthCheck(headers={"Authorization": "hunter2"})}, env_fingerprints={"A": "finger-1"}
    )
    said = "\n".join(differences(now, config(env_fingerprints={"A": "finger-2"})))
    assert "The variable A gets its earlier value back." in said
    assert "The headers of the health check of web change." in said
    assert "hunter2" not in said
    assert "finger" not in said


def test_services_come_and_go():
    worker = ServiceSpec(name="worker")
    both = config().model_copy(update={"services": (*config().services, worker)})
    assert differences(config(), both) == ["The service worker comes back."]
    assert differences(both, config()) == ["The service worker goes away."]
