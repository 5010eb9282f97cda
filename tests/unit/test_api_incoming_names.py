"""The names of five platforms are accepted, and mean what ours mean."""

import pytest
from pydantic import ValidationError

from slipyard.domain.errors import Immutable, ValidationFailed
from slipyard.domain.schemas.app_input import ChangeApp, CreateApp
from slipyard.domain.schemas.deploy_input import Deploy
from slipyard.domain.source import SourceType


def create(**fields: object) -> CreateApp:
    return CreateApp.model_validate({"name": "shop"} | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "a:1", "image_url": "b:2"},
        {"port": 1, "Port": 2},
        {"env": {"A": "1"}, "env_vars": {"A": "2"}},
    ],
)
def test_two_names_of_one_field_with_different_values_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises((ValidationFailed, ValidationError)):
        create(**fields)


@pytest.mark.parametrize("field", ["slug", "region", "plan"])
def test_what_is_fixed_at_creation_cannot_change(field: str) -> None:
    with pytest.raises(Immutable, match=field):
        ChangeApp.model_validate({field: "other"}).refuse_immutable("shop", "small", None)


def test_a_fixed_field_may_be_sent_back_as_it_is() -> None:
    same = {"slug": "shop", "plan": "small", "region": "local"}
    ChangeApp.model_validate(same).refuse_immutable("shop", "small", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"source_type": "image", "image_url": "nginx:1"},
        {"image": "nginx:1"},
        {"imageUri": "nginx:1"},
        {"source": {"type": "image", "image": "nginx:1"}},
    ],
)
def test_an_image_has_many_names(fields: dict[str, object]) -> None:
    source = create(**fields).source

    assert (source.type, source.image) == (SourceType.IMAGE, "nginx:1")


def test_a_repository_with_flat_names() -> None:
    given = create(source_type="git", repo_url="https://e.org/a.git", repo_branch="dev", build_command="make")

    assert (given.source.repo_url, given.source.branch, given.source.build_command) == (
        "https://e.org/a.git",
        "dev",
        "make",
    )
    assert given.wants_deployment


def test_amounts_as_numbers() -> None:
    resources = create(cpu=0.5, memory=256).resources

    assert (resources.millicores, resources.memory_bytes) == (500, 256 * 1024 * 1024)


def test_camel_case_of_any_field_but_not_of_values() -> None:
    given = create(
        healthCheckPath="/up", envVars={"camelCase": "x"}, minInstances=2, maxInstances=3, buildArgs={"aB": "1"}
    )

    assert given.health_check.path == "/up"
    assert given.env_vars == {"camelCase": "x"}
    assert given.source.build_args == {"aB": "1"}
    assert (given.min_instances, given.max_instances) == (2, 3)


def test_replicas_set_both_ends() -> None:
    assert create(replicas=4).config_changes() == {"min_instances": 4, "max_instances": 4}


def test_a_change_names_only_what_was_sent() -> None:
    assert ChangeApp.model_validate({"branch": "dev"}).config_changes() == {"source": {"branch": "dev"}}


def test_environment_of_a_deployment_is_its_variables() -> None:
    assert Deploy.model_validate({"environment": {"A": "1"}}).env_vars == {"A": "1"}
