"""What a pusher is promised beyond the plain push, each with a real git client: limits, options, tags, attaching again."""

import asyncio
from dataclasses import replace

import pytest

from slipyard.cli.main import run
from slipyard.domain.errors import BuildFailed
from tests.flow.api.api_server import ApiServer, serving, until
from tests.flow.api.git_client import git, interrupt, push, start_git
from tests.flow.repository import Repository
from tests.flow.system import System

URL = "http://shop.localhost:8080"


async def app(api: ApiServer, slug: str = "shop") -> dict[str, object]:
    return (await api.client.get(f"/v1/apps/{slug}")).json()


def told(outcome: object) -> str:
    return "\n".join(outcome.remote_lines)


class TestLimits:
    @pytest.mark.parametrize("buffer", ["1048576", "1024"], ids=["at once", "chunked"])
    async def test_a_push_of_too_many_objects_is_refused_with_the_reason(
        self, system: System, repository: Repository, buffer: str
    ) -> None:
        for number in range(20):
            repository.commit(f"commit {number}", noise=str(number) * 2000)
        settings = system.context.settings.model_copy(update={"max_push_objects": 20})
        async with serving(system, replace(system.context, settings=settings)) as api:
            outcome = await git(repository.path, "-c", f"http.postBuffer={buffer}", "push", api.remote("shop"), "main")
            apps = (await api.client.get("/v1/apps")).json()

        assert outcome.status != 0
        assert "objects, and 20 are taken at once" in told(outcome)
        assert "[remote rejected] main -> main" in outcome.text
        assert apps["total"] == 0, "nor is an app made by what is refused"

    async def test_what_stays_below_it_is_taken_and_a_deletion_has_none(
        self, system: System, repository: Repository
    ) -> None:
        repository.commit("one")
        settings = system.context.settings.model_copy(update={"max_push_objects": 20})
        async with serving(system, replace(system.context, settings=settings)) as api:
            assert (await push(repository, api.remote("shop"))).status == 0
            assert (await push(repository, api.remote("shop"), ":main")).status == 0


class TestOptions:
    async def test_an_option_that_is_none_is_said(self, api: ApiServer, repository: Repository) -> None:
        repository.commit("one")
        outcome = await push(repository, api.remote("shop"), "-o", "no-cashe", "main")
        assert "Nothing is known of the push option 'no-cashe'; detach, no-cache and preview are known." in told(
            outcome
        )
        assert f"  {URL}" in outcome.remote_lines

    async def test_another_branch_with_preview_is_shown_beside_the_app(
        self, api: ApiServer, repository: Repository
    ) -> None:
        first = repository.commit("one", main__py="1")
        await push(repository, api.remote("shop"))
        second = repository.commit("two", main__py="2")

        outcome = await push(repository, api.remote("shop"), "-o", "preview", "main:feature/login")

        assert "  http://shop-feature-login.localhost:8080" in outcome.remote_lines
        assert (await app(api, "shop-feature-login"))["deployments"][0]["commit"] == second
        assert [row["commit"] for row in (await app(api))["deployments"]] == [first]

    async def test_the_apps_own_branch_with_preview_is_deployed_as_ever(
        self, api: ApiServer, repository: Repository
    ) -> None:
        repository.commit("one")
        outcome = await push(repository, api.remote("shop"), "-o", "preview", "main")
        assert f"  {URL}" in outcome.remote_lines
        assert (await api.client.get("/v1/apps/shop/previews")).json()["total"] == 0


class TestTags:
    async def test_a_tag_says_why_it_deploys_nothing(self, api: ApiServer, repository: Repository) -> None:
        repository.commit("one")
        await push(repository, api.remote("shop"))
        outcome = await push(repository, api.remote("shop"), "main:refs/tags/v1")
        assert "Tags are not deployed" in told(outcome)

    async def test_an_annotated_tag_deploys_the_commit_that_it_is_about(
        self, api: ApiServer, repository: Repository
    ) -> None:
        body = {"name": "shop", "triggers": {"tags": ["v*"]}}
        (await api.client.post("/v1/apps", json=body)).raise_for_status()
        commit = repository.commit("one")
        repository.git("tag", "--annotate", "--message", "First", "v1")

        outcome = await push(repository, api.remote("shop"), "v1")

        assert f"  {URL}" in outcome.remote_lines
        assert (await app(api))["deployments"][0]["commit"] == commit


async def test_the_same_commit_again_is_live_already(api: ApiServer, repository: Repository) -> None:
    """git sends nothing at all where the branch stands there; where it was taken away, we say so."""
    commit = repository.commit("one")
    await push(repository, api.remote("shop"))
    assert "Everything up-to-date" in (await push(repository, api.remote("shop"))).text
    await push(repository, api.remote("shop"), ":main")

    outcome = await push(repository, api.remote("shop"))

    assert f"{commit[:12]} is already live." in told(outcome)
    assert len((await app(api))["deployments"]) == 1


async def test_a_source_elsewhere_is_said_with_the_command_that_changes_it(
    quiet_api: ApiServer, repository: Repository, command: "Command", capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit("one")
    body = {"name": "shop", "repo_url": "https://example.com/r.git", "deploy": False}
    await quiet_api.client.post("/v1/apps", json=body)

    refused = await push(repository, quiet_api.remote("shop"))

    assert "shop is deployed from https://example.com/r.git, so pushes here are refused" in refused.text
    assert "slipyard apps set shop --own-remote" in refused.text
    assert await command("apps", "set", "shop", "--own-remote") == 0
    assert (await push(repository, quiet_api.remote("shop"), "-o", "detach", "main")).status == 0
    assert "Changed shop." in capsys.readouterr().out


class Command:
    """`slipyard`, as somebody in another terminal runs it."""

    async def __call__(self, *arguments: str) -> int:
        return await asyncio.to_thread(run, arguments)


@pytest.fixture
def command(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    return Command()


class TestFollowing:
    async def test_who_left_a_push_attaches_to_it_again(
        self, quiet_api: ApiServer, repository: Repository, command: Command, capsys: pytest.CaptureFixture[str]
    ) -> None:
        repository.commit("one")
        client = await start_git(repository.path, "push", quiet_api.remote("shop"), "main")
        await until(lambda: _accepted(quiet_api))
        await interrupt(client)

        following = [asyncio.create_task(command("deploy", "--follow", "shop")) for _ in range(2)]
        await asyncio.sleep(0)
        await quiet_api.system.settle()

        assert await asyncio.gather(*following) == [0, 0]
        assert capsys.readouterr().out.count(f"shop is live at {URL}") == 2
        assert len((await app(quiet_api))["deployments"]) == 1, "following deploys nothing"

    async def test_a_detached_push_says_how_to_follow(self, quiet_api: ApiServer, repository: Repository) -> None:
        repository.commit("one")
        outcome = await push(repository, quiet_api.remote("shop"), "-o", "detach", "main")
        assert "Follow it with: slipyard deploy --follow shop" in told(outcome)

    async def test_what_is_over_tells_how_it_ended(
        self, quiet_api: ApiServer, repository: Repository, command: Command, capsys: pytest.CaptureFixture[str]
    ) -> None:
        quiet_api.system.builder.fail_next(BuildFailed("RUN make ended with code 2.", log_tail=["no rule"]))
        repository.commit("one")
        await push(repository, quiet_api.remote("shop"), "-o", "detach", "main")
        await quiet_api.system.settle()

        assert await command("deploy", "-f", "shop") == 1

        assert "RUN make ended with code 2." in capsys.readouterr().err
        assert len((await app(quiet_api))["deployments"]) == 1

    async def test_an_app_that_was_never_deployed(self, quiet_api: ApiServer, command: Command) -> None:
        await quiet_api.client.post("/v1/apps", json={"name": "shop"})
        assert await command("deploy", "--follow", "shop") == 1
        assert (await app(quiet_api))["deployments"] == []


async def _accepted(api: ApiServer) -> bool:
    listed = (await api.client.get("/v1/apps")).json()["apps"]
    return bool(listed) and bool(api.system.deployments(listed[0]["id"]))
