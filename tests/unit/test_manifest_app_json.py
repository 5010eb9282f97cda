"""app.json says what Heroku and Dokku read in it; what does not exist here is said, and never refused."""

import json
from typing import Any

import pytest

from slipyard.domain.errors import SourceRefused
from slipyard.domain.health import HealthCheck, HealthType
from slipyard.domain.manifest import Manifest
from slipyard.domain.manifests.app_json import read_app_json


def read(**said: Any) -> Manifest:
    return read_app_json(json.dumps(said))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "app.json is no JSON"),
        ("[" * 100_000, "app.json is no JSON"),
        ("[]", "is not an object"),
        (json.dumps({"env": {"A B": "x"}}), "'A B', which is no name of a variable"),
        (json.dumps({"env": {"A": {"value": 5}}}), "env.A"),
        (json.dumps({"formation": {"web": {"quantity": -1}}}), "formation.web.quantity"),
        (json.dumps({"healthchecks": {"web": [{"path": "/", "attempts": 0}]}}), "healthchecks.web.0.attempts"),
        (json.dumps({"healthchecks": {"web": [{"path": "/a b"}]}}), "path"),
        (json.dumps({"cron": [{"command": "x", "schedule": "now"}]}), "a cron line has five fields"),
        (json.dumps({"formation": {"a b": {"quantity": 1}}}), "services"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, why: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        read_app_json(text)
    assert why in refused.value.message


def test_variables_are_defaults_or_made_up_or_required() -> None:
    manifest = read(
        env={
            "MODE": "quiet",
            "URL": {"value": "http://x", "description": "of the shop"},
            "SESSION_KEY": {"generator": "secret"},
            "KEY": {"description": "of the payment"},
            "MAY_BE": {"required": False},
        }
    )
    assert manifest.env == {"MODE": "quiet", "URL": "http://x"}
    assert (manifest.generated, manifest.required) == (("SESSION_KEY",), ("KEY",))
    assert manifest.missing({"OTHER": ""}) == ["KEY"]
    assert manifest.missing({"KEY": ""}) == []


def test_the_check_at_the_start_counts_and_the_others_are_said() -> None:
    manifest = read(
        healthchecks={
            "web": [
                {"type": "liveness", "path": "/alive"},
                {
                    "type": "startup",
                    "path": "ready",
                    "attempts": 10,
                    "timeout": 3,
                    "wait": 7,
                    "initialDelay": 20,
                    "httpHeaders": [{"name": "X-Check", "value": "1"}],
                },
            ],
            "worker": [{"type": "startup", "command": ["./alive"]}],
            "mail": [{"type": "startup", "listening": True}],
            "clock": [{"type": "startup", "uptime": 5}],
        }
    )
    assert manifest.services["web"].health_check == HealthCheck(
        path="/ready", headers={"X-Check": "1"}, timeout=3, retries=10, start_period=120
    )
    assert manifest.services["worker"].health_check == HealthCheck(command=("./alive",), retries=3)
    assert manifest.services["mail"].health_check == HealthCheck(type=HealthType.TCP)
    assert "clock" not in manifest.services
    assert [warning for warning in manifest.warnings if "one check of web" in warning or "of clock" in warning]


def test_formation_cron_and_scripts() -> None:
    manifest = read(
        formation={"web": {"quantity": 2, "size": "performance-m"}, "worker": {"quantity": 0}},
        cron=[{"command": "./tidy", "schedule": "@daily"}, {"command": "./tidy", "schedule": "@daily"}],
        scripts={"dokku": {"predeploy": "./check", "postdeploy": "./warm"}, "postdeploy": "./seed"},
        addons=["heroku-postgresql"],
    )
    assert {name: each.replicas for name, each in manifest.services.items()} == {"web": 2, "worker": 0}
    assert manifest.commands == {"before_deploy": "./check", "after_deploy": "./warm"}
    assert [(line.schedule, line.command) for line in manifest.cron] == [("@daily", "./tidy")]
    told = "\n".join(manifest.warnings)
    assert all(word in told for word in ("size of web", "addons", "scripts.postdeploy"))
