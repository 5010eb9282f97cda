"""docs/ci: what the files say is what is run here, with the environment that a runner would give."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from slipyard.domain.errors import HostUnknown
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.api.identity_issuer import RUNNER_SECRET, Issuer
from tests.flow.system import System

FILES = Path(__file__).parent.parent.parent.parent / "docs" / "ci"
DIGEST = "sha256:" + "a" * 64
IMAGE = f"registry.example.org/acme/shop@{DIGEST}"
NEW, OLD = "2" * 40, "1" * 40
HTTPS = "https://deploy.example.org"


@pytest.fixture
def issuer():
    with Issuer().serving() as running:
        yield running


@pytest.fixture
async def api(system: System) -> AsyncIterator[ApiServer]:
    settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
    async with serving(system, replace(system.context, settings=settings)) as server:
        system.engine.publish(IMAGE)
        body = {"name": "shop", "source": {"type": "image", "image": IMAGE}, "deploy": False}
        assert (await server.client.post("/v1/apps", json=body)).status_code == 201
        yield server


async def trusted(api: ApiServer, issuer: Issuer) -> None:
    body = {"issuer": issuer.url, "repository": "acme/shop", "audience": api.url}
    assert (await api.client.post("/v1/apps/shop/ci-trusts", json=body)).status_code == 201


def read(name: str) -> Any:
    return YAML(typ="safe").load((FILES / name).read_text())


def filled(text: str, known: dict[str, str]) -> str:
    """`${{ a.b }}` as GitHub fills it in; one that the test does not know fails it."""
    return re.sub(r"\$\{\{ *(.+?) *\}\}", lambda found: known[found[1]], text)


async def run(shell: list[str], script: str, env: dict[str, str]) -> tuple[int, str]:
    known = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = await asyncio.create_subprocess_exec(
        *shell, script, env=known | env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(done.communicate(), 60)
    return done.returncode or 0, output.decode()


async def github_job(api: ApiServer, issuer: Issuer, commit: str, ref: str = "refs/heads/main") -> tuple[int, str]:
    workflow = read("github-actions.yml")
    (step,) = [step for step in workflow["jobs"]["deploy"]["steps"] if step.get("name") == "Deploy"]
    assert (workflow["permissions"]["id-token"], step["shell"]) == ("write", "bash")
    issuer.claims = {"repository": "acme/shop", "ref": ref, "ref_type": "branch", "run_id": "42"}
    known = {"env.IMAGE": workflow["env"]["IMAGE"], "steps.push.outputs.digest": DIGEST}
    env = workflow["env"] | {name: filled(text, known) for name, text in step["env"].items()}
    env |= {
        "SLIPYARD_URL": api.url,
        "GITHUB_SHA": commit,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_SECRET,
    }
    return await run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], step["run"], env)


async def gitlab_job(api: ApiServer, issuer: Issuer, commit: str, ref: str = "main") -> tuple[int, str]:
    pipeline = read("gitlab-ci.yml")
    job = pipeline["deploy"]
    (identity,) = job["id_tokens"]
    assert job["id_tokens"][identity]["aud"] == pipeline["variables"]["SLIPYARD_URL"] == HTTPS
    claims = {"project_path": "acme/shop", "ref": ref, "ref_type": "branch", "pipeline_id": "7", "aud": api.url}
    env = pipeline["variables"] | {
        "SLIPYARD_URL": api.url,
        "CI_COMMIT_SHA": commit,
        "CI_REGISTRY_IMAGE": IMAGE.partition("@")[0],
        "DIGEST": DIGEST,
        identity: issuer.token(**claims),
    }
    return await run(["sh", "-e", "-c"], "\n".join(job["script"]), env)


async def test_the_digest_is_found_in_what_buildx_wrote(tmp_path: Path) -> None:
    script = read("gitlab-ci.yml")["build"]["script"][-1]
    written = f'{{\n  "containerimage.config.digest": "sha256:{"c" * 64}",\n  "containerimage.digest": "{DIGEST}",\n  "x": 1\n}}'
    (tmp_path / "built.json").write_text(written)

    status, output = await run(["sh", "-e", "-c"], f"cd {tmp_path}\n{script}\ncat built.env", {})

    assert (status, output.strip()) == (0, f"DIGEST={DIGEST}")


JOBS = {"github": github_job, "gitlab": gitlab_job}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
async def test_a_job_that_nobody_trusts_fails_and_reads_why(api: ApiServer, issuer: Issuer, job: Any) -> None:
    status, output = await job(api, issuer, NEW)
    assert status != 0
    assert (await api.client.get("/v1/apps/shop/deployments")).json()["total"] == 0

    await trusted(api, issuer)
    status, output = await job(api, issuer, NEW, "refs/heads/other" if job is github_job else "other")
    assert status != 0
    assert (await api.client.get("/v1/apps/shop/deployments")).json()["total"] == 0
    assert "sly_" not in output


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
async def test_a_job_deploys_what_it_built_and_an_older_one_never_wins(
    api: ApiServer, issuer: Issuer, job: Any
) -> None:
    await trusted(api, issuer)
    for commit in (OLD, NEW):
        status, output = await job(api, issuer, commit)
        assert status == 0, output

    status, output = await job(api, issuer, OLD)

    assert (status, "is older than" in output) == (0, True), output
    deployments = (await api.client.get("/v1/apps/shop/deployments")).json()["deployments"]
    assert [(row["commit"], row["status"]) for row in deployments] == [(NEW, "active"), (OLD, "superseded")]
    assert deployments[0]["actor"].startswith("acme/shop run")


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
async def test_a_release_that_does_not_get_ready_fails_the_job(
    api: ApiServer, issuer: Issuer, system: System, job: Any
) -> None:
    await trusted(api, issuer)
    system.engine.fail_next("pull", HostUnknown("lookup registry.example.org: no such host."), times=4)
    status, output = await job(api, issuer, NEW)
    assert status != 0
    assert '"success":false' in output.replace(" ", "")
