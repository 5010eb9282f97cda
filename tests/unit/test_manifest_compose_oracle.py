"""compose-spec, which implements the specification, reads the same as we do: keys, durations, sizes, whole files."""

import json
import re
from typing import Any

import pytest
from compose_spec import PyCompose
from compose_spec.models import Service
from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.domain.errors import SourceRefused
from slipyard.domain.manifests.compose.amounts import seconds, size
from slipyard.domain.manifests.compose.keys import IGNORED, READ, REFUSED, SILENT
from slipyard.domain.manifests.compose.read import read_compose

UNITS = ("h", "m", "s", "ms", "us")
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
words = st.from_regex(r"[A-Za-z0-9_./:=-]{1,12}", fullmatch=True)
durations = st.lists(st.integers(1, 99), min_size=5, max_size=5).map(
    lambda amounts: "".join(f"{amount}{unit}" for amount, unit in zip(amounts, UNITS, strict=True))
)
sizes = st.builds(
    lambda amount, unit: f"{amount}{unit}",
    st.integers(1, 9999),
    st.sampled_from(["b", "k", "kb", "m", "mb", "g", "gb"]),
)
ports = st.one_of(
    st.integers(1, 65535),
    st.builds(lambda host, own: f"{host}:{own}", st.integers(1, 65535), st.integers(1, 65535)),
    st.builds(lambda own: f"127.0.0.1:8000:{own}/tcp", st.integers(1, 65535)),
    st.builds(lambda own: {"target": own, "published": "80", "protocol": "tcp"}, st.integers(1, 65535)),
)
bodies = st.fixed_dictionaries(
    {"image": st.from_regex(r"[a-z]{1,8}(:[a-z0-9]{1,4})?", fullmatch=True)},
    optional={
        "command": st.one_of(words, st.lists(words, min_size=1, max_size=3)),
        "entrypoint": st.lists(words, min_size=1, max_size=3),
        "environment": st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), words, max_size=3),
        "ports": st.lists(ports, max_size=2, unique_by=str),
        "stop_grace_period": st.integers(1, 3000).map(lambda amount: f"{amount}s"),
        "restart": st.sampled_from(["always", "unless-stopped", "no"]),
        "healthcheck": st.fixed_dictionaries(
            {
                "test": st.one_of(
                    words, words.map(lambda word: ["CMD", word]), words.map(lambda word: ["CMD-SHELL", word])
                )
            },
            optional={"interval": st.just("1m30s"), "timeout": st.just("500ms"), "retries": st.integers(1, 9)},
        ),
        "deploy": st.fixed_dictionaries(
            {},
            optional={
                "replicas": st.integers(0, 9),
                "resources": st.just({"limits": {"cpus": "0.5", "memory": "64m"}}),
            },
        ),
        "volumes": st.just(["data:/data:ro"]),
    },
)
files = st.dictionaries(names, bodies, min_size=1, max_size=4).map(
    lambda services: {"services": services, "volumes": {"data": {}}}
)


def written(content: dict[str, Any]) -> str:
    """JSON is YAML."""
    return json.dumps(content, indent=1)


def test_every_key_of_the_specification_is_read_or_told_what_becomes_of_it() -> None:
    theirs = {field.alias or name for name, field in Service.model_fields.items()}
    assert theirs == (READ | SILENT | IGNORED.keys() | REFUSED.keys()) - {"x-slipyard"}


@settings(deadline=None)
@given(durations)
def test_durations_are_as_long(text: str) -> None:
    theirs = PyCompose.from_yaml(written({"services": {"a": {"image": "x", "stop_grace_period": text}}})).to_dict()
    spelled = theirs["services"]["a"]["stop_grace_period"]
    amounts = {unit: int(amount) for amount, unit in re.findall(r"(\d+)(us|ms|s|m|h)", spelled)}
    micros = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}
    assert round(seconds(text) * 1_000_000) == sum(micros[unit] * amount for unit, amount in amounts.items())


@settings(deadline=None)
@given(sizes)
def test_sizes_are_as_large(text: str) -> None:
    theirs = PyCompose.from_yaml(written({"services": {"a": {"image": "x", "mem_limit": text}}})).to_dict()
    spelled = theirs["services"]["a"]["mem_limit"]
    amount, unit = re.fullmatch(r"(\d+)(b|kb|mb|gb)", spelled).groups()
    assert size(text) == int(amount) << {"b": 0, "kb": 10, "mb": 20, "gb": 30}[unit]


@pytest.mark.parametrize("text", ["", "5", "5q", "s", "-1s", "1 s"])
def test_what_is_no_duration_there_is_none_here(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        PyCompose.from_yaml(written({"services": {"a": {"image": "x", "stop_grace_period": text}}}))
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "g", "5x", "1.5g", "-1m"])
def test_what_is_no_size_there_is_none_here(text: str) -> None:
    with pytest.raises(ValueError, match=r"value|unit|empty|mem_limit"):
        PyCompose.from_yaml(written({"services": {"a": {"image": "x", "mem_limit": text}}}))
    with pytest.raises(ValueError, match="no size"):
        size(text)


@settings(max_examples=30, deadline=None)
@given(files)
def test_a_file_is_read_as_the_same_services(content: dict[str, Any]) -> None:
    text = written(content)
    theirs = PyCompose.from_yaml(text)
    theirs.validate()
    ours = read_compose("compose.yaml", text)
    assert set(ours.services) == set(theirs.service_names())
    for name, service in ours.services.items():
        said = content["services"][name]
        model = theirs.get_service(name)
        assert model is not None
        assert (service.image or "").rpartition("/")[2] == str(model.image)
        assert service.replicas == (model.deploy.replicas if model.deploy else None)
        assert (service.env or {}) == dict(said.get("environment", {}))
        if isinstance(said.get("command"), list):
            assert list(service.command or ()) == model.command


MUTATED = ["port", "image_name", "volume", "enviroment", "dependson"]


@settings(max_examples=20, deadline=None)
@given(files, st.sampled_from(MUTATED))
def test_a_key_that_it_does_not_know_we_do_not_know(content: dict[str, Any], key: str) -> None:
    next(iter(content["services"].values()))[key] = "x"
    with pytest.raises(ValueError, match=r"x-"):
        PyCompose.from_yaml(written(content))
    with pytest.raises(SourceRefused, match="is no key of a service"):
        read_compose("compose.yaml", written(content))
