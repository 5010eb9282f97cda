"""Credentials against real git hosts: a token over HTTP with Basic, and keys over OpenSSH; through the API and a build."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from slipyard.pipeline.sources.git_access import note_access
from slipyard.store.tables import GitCredentialRow
from tests.engine.git_hosts import HttpHost, Repository, SshHost, command_lines, http_host, make_key, ssh_host
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.system import System

SECRET = "s3cr3t-t0k3n"


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """Fakes for everything but git, which may reach loopback."""
    made = System(tmp_path / "home")
    settings = made.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
    made.context = replace(made.context, settings=settings)
    yield made
    made.installation.close()


@pytest.fixture
async def api(system: System) -> AsyncIterator[ApiServer]:
    async with serving(system) as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "hosted"
    root.mkdir()
    made = Repository.make(root)
    made.commit({"Dockerfile": b"FROM scratch\n"}, "First commit")
    return made


@pytest.fixture
def host(repository: Repository) -> Iterator[HttpHost]:
    with http_host(repository.bare.parent, password=SECRET) as opened:
        yield opened


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshHost]:
    keys = tmp_path / "keys"
    keys.mkdir()
    with ssh_host(keys) as opened:
        yield opened


async def add(api: ApiServer, **body: object) -> dict[str, Any]:
    return (await api.client.post("/v1/git-credentials", json={"name": "main", **body})).raise_for_status().json()


async def tried(api: ApiServer, repo_url: str) -> dict[str, Any]:
    answer = await api.client.post("/v1/git-credentials/main/test", json={"repo_url": repo_url})
    return answer.raise_for_status().json()


async def deployed(api: ApiServer, repo_url: str, credential_id: str | None = None) -> dict[str, Any]:
    """The app once its first deployment is over."""
    source = {"repo_url": repo_url, "credential_id": credential_id}
    await api.client.post("/v1/apps", json={"name": "shop", "source": source, "deploy": False})
    await api.client.post("/v1/apps/shop/deploy?wait=20")
    return (await api.client.get("/v1/apps/shop")).json()


class TestOverHttp:
    async def test_without_a_credential_the_app_says_that_it_has_no_access(
        self, api: ApiServer, host: HttpHost
    ) -> None:
        app = await deployed(api, host.url())
        assert (app["status"], app["has_git_access"]) == ("failed", False)
        assert "may not be read without a credential" in app["git_access_error"]

    async def test_a_wrong_token_is_an_answer_that_shows_nothing_of_it(self, api: ApiServer, host: HttpHost) -> None:
        await add(api, host=f"127.0.0.1:{host.port}", token="wr0ng-t0k3n")
        result = await tried(api, host.url())
        assert not result["success"]
        assert "may not be read with the stored credential" in result["message"]
        assert "wr0ng" not in str(result)

    async def test_a_redirect_does_not_take_the_token_elsewhere(
        self, api: ApiServer, host: HttpHost, tmp_path: Path
    ) -> None:
        with http_host(tmp_path) as elsewhere:
            host.moved["/app.git"] = f"http://127.0.0.1:{elsewhere.port}"
            await add(api, host=f"127.0.0.1:{host.port}", token=SECRET)
            result = await tried(api, host.url())
            assert "redirects elsewhere" in result["message"]
            assert elsewhere.requests == []

    async def test_a_token_opens_its_host_for_the_test_and_for_a_build(
        self, api: ApiServer, host: HttpHost, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = await add(api, host=f"127.0.0.1:{host.port}", token=SECRET)
        assert (await tried(api, host.url()))["success"]

        app = await deployed(api, host.url(), made["id"])

        assert (app["status"], app["has_git_access"], app["git_access_error"]) == ("running", True, None)
        assert host.expected() in host.authorizations
        assert not [line for line in host.command_lines + command_lines() if SECRET in line]
        kept = [path for path in api.context.layout.home.rglob("*") if path.is_file()]
        assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
        assert SECRET not in "".join(capsys.readouterr())

    async def test_a_test_clears_what_a_fetch_found(self, api: ApiServer, host: HttpHost) -> None:
        made = await add(api, host=f"127.0.0.1:{host.port}", token=SECRET)
        right, host.password = host.password, "changed-meanwhile"
        assert not (await deployed(api, host.url(), made["id"]))["has_git_access"]

        host.password = right
        await tried(api, host.url())

        assert (await api.client.get("/v1/apps/shop")).json()["has_git_access"]

    async def test_a_branch_that_is_not_there_says_nothing_against_the_access(
        self, api: ApiServer, host: HttpHost, repository: Repository
    ) -> None:
        made = await add(api, host=f"127.0.0.1:{host.port}", token=SECRET)
        source = {"repo_url": host.url(), "credential_id": made["id"], "branch": "absent"}
        await api.client.post("/v1/apps", json={"name": "shop", "source": source, "deploy": False})
        await api.client.post("/v1/apps/shop/deploy?wait=20")
        app = (await api.client.get("/v1/apps/shop")).json()
        assert (app["status"], app["has_git_access"]) == ("failed", True)

    async def test_what_is_known_already_writes_nothing(self, api: ApiServer, host: HttpHost) -> None:
        made = await add(api, host=f"127.0.0.1:{host.port}", token=SECRET)
        app = await deployed(api, host.url(), made["id"])
        before = api.system.app(app["id"])
        await note_access(api.context, app["id"], before.config.source, None)
        assert api.system.app(app["id"]) == before


class TestOverSsh:
    async def test_a_generated_key_opens_the_host_that_was_given_its_public_half(
        self, api: ApiServer, ssh: SshHost, repository: Repository
    ) -> None:
        made = await add(api, host=f"127.0.0.1:{ssh.port}", generate=True)
        assert "may not be read" in (await tried(api, ssh.url(repository.bare)))["message"]

        (ssh.root / "client.pub").write_text(made["public_key"])

        assert (await tried(api, ssh.url(repository.bare)))["success"]
        assert (await deployed(api, ssh.url(repository.bare), made["id"]))["status"] == "running"

    async def test_the_key_that_the_host_showed_first_is_required_from_then_on(
        self, api: ApiServer, ssh: SshHost, repository: Repository, tmp_path: Path
    ) -> None:
        await add(api, host=f"127.0.0.1:{ssh.port}", private_key=ssh.client_key)
        assert (await tried(api, ssh.url(repository.bare)))["success"]
        assert (await api.client.get("/v1/git-credentials/main")).json()["known_hosts"] == ssh.host_key_line

        api.context.layout.known_hosts.unlink()  # another machine, or a new home: the credential still knows
        with api.context.database.write() as session:
            make_key(tmp_path / "other")
            other = (tmp_path / "other.pub").read_text().split()
            row = session.query(GitCredentialRow).one()
            row.known_hosts = f"[127.0.0.1]:{ssh.port} {other[0]} {other[1]}"

        result = await tried(api, ssh.url(repository.bare))
        assert not result["success"]
        assert "is not the one that is known" in result["message"]

    async def test_a_key_without_the_right_to_read_is_told_apart_from_a_wrong_host_key(
        self, api: ApiServer, ssh: SshHost, repository: Repository, tmp_path: Path
    ) -> None:
        stranger = make_key(tmp_path / "stranger")
        await add(api, host=f"127.0.0.1:{ssh.port}", private_key=stranger, known_hosts=ssh.host_key_line)
        assert "may not be read with the stored credential" in (await tried(api, ssh.url(repository.bare)))["message"]
