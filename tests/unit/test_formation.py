"""Which services an app has, by whoever says so, and in which order they start."""

import pytest

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.formation import Formation, formation
from slipyard.domain.manifest import Manifest
from slipyard.domain.preview import preview_config
from slipyard.domain.release import ImageOrigin, ServiceSpec
from slipyard.domain.service import Condition, Dependency, ServiceConfig
from slipyard.pipeline.rollout.service_specs import Given, service_specs
from slipyard.pipeline.rollout.start_order import waves_of


def after(*names: str, condition: Condition = Condition.HEALTHY) -> tuple[Dependency, ...]:
    return tuple(Dependency(service=name, condition=condition) for name in names)


def of(manifest: dict[str, ServiceConfig], told: dict[str, ServiceConfig], **processes: str) -> Formation:
    return formation(AppConfig(services=told), Manifest(services=manifest), processes)


def specs(config: AppConfig, manifest: Manifest) -> dict[str, ServiceSpec]:
    found = service_specs(config, formation(config, manifest, {}), Given(ImageOrigin(), {}, {}))
    return {each.name: each for each in found}


@pytest.mark.parametrize(
    ("services", "sentence"),
    [
        ({"a": ServiceConfig(depends_on=after("b"))}, "depends on b"),
        ({"a": ServiceConfig(depends_on=after("b")), "b": ServiceConfig(depends_on=after("a"))}, "wait for each other"),
        ({"a": ServiceConfig(depends_on=after("a"))}, "wait for each other"),
        ({"a": ServiceConfig(depends_on=after("b")), "b": ServiceConfig(one_shot=True)}, "runs once"),
        (
            {
                "a": ServiceConfig(depends_on=after("b", condition=Condition.COMPLETED)),
                "b": ServiceConfig(one_shot=False),
            },
            "goes on running",
        ),
        ({"before_deploy": ServiceConfig(command="x")}, "Choose another name"),
    ],
)
def test_what_cannot_be_met_is_refused_with_a_reason(services: dict[str, ServiceConfig], sentence: str) -> None:
    with pytest.raises(ValidationFailed, match=sentence):
        of({}, services)
    with pytest.raises(ValidationFailed, match=sentence):
        of(services, {})


def test_what_was_told_wins_over_the_repository_and_that_over_the_procfile() -> None:
    said = ServiceConfig(command="said", replicas=2, env={"A": "said", "B": "said"})
    found = of({"worker": said}, {"worker": ServiceConfig(replicas=5, env={"A": "told"})}, worker="line", mail="line")

    assert list(found.services) == ["web", "mail", "worker"]
    assert (found.services["worker"].command, found.services["worker"].replicas) == ("said", 5)
    assert found.own_env("worker", {}) == {"A": "told", "B": "said"}
    assert found.services["mail"].command == "line"


def test_a_file_that_names_all_services_has_no_web_added() -> None:
    manifest = Manifest(services={"api": ServiceConfig(public=True), "db": ServiceConfig()}, complete=True)
    found = formation(AppConfig(), manifest, {"worker": "line"})

    assert (found.main, list(found.services)) == ("api", ["api", "db"])


def test_what_the_app_was_told_as_a_whole_is_about_the_one_that_gets_requests() -> None:
    said = {"web": ServiceConfig(port=1000, replicas=3), "worker": ServiceConfig()}
    manifest = Manifest(services=said)

    assert (specs(AppConfig(), manifest)["web"].port, specs(AppConfig(), manifest)["web"].replicas) == (1000, 3)
    found = specs(AppConfig(port=2000, min_instances=2, max_instances=2), manifest)
    assert (found["web"].port, found["web"].replicas, found["web"].public) == (2000, 2, True)
    assert (found["worker"].port, found["worker"].replicas, found["worker"].public) == (None, 1, False)
    assert specs(AppConfig(services={"web": ServiceConfig(replicas=1)}), manifest)["web"].replicas == 1


def test_whoever_is_waited_for_runs_first_and_once_where_it_has_to_complete() -> None:
    said = {
        "web": ServiceConfig(depends_on=after("setup", condition=Condition.COMPLETED)),
        "setup": ServiceConfig(command="setup", depends_on=after("db")),
        "db": ServiceConfig(command="db"),
        "log": ServiceConfig(command="log"),
    }
    found = specs(AppConfig(), Manifest(services=said))
    first, second, third = waves_of(tuple(found.values()))

    assert (found["setup"].one_shot, found["setup"].replicas) == (True, 0)
    assert (first.services, first.awaited, first.one_shots) == ({"db", "log"}, {"db"}, [])
    assert [each.name for each in second.one_shots] == ["setup"]
    assert third.services == {"web"}


def test_what_is_for_one_service_alone_is_nothing_for_a_fork() -> None:
    own = ServiceConfig(replicas=3, env={"PASSWORD": "${secret:A}"}, secret_files={"/key": "A"})
    app = AppConfig(services={"db": own})

    ours = preview_config(app, "feature", fork=False).services["db"]
    theirs = preview_config(app, "feature", fork=True).services["db"]
    assert (ours.replicas, ours.env, ours.secret_files) == (1, own.env, own.secret_files)
    assert (theirs.replicas, theirs.env, theirs.secret_files) == (1, None, None)
