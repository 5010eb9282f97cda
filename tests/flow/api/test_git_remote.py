"""A real git client pushes, watches its app go live, and clones."""

import asyncio
from pathlib import Path

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.errors import BuildFailed
from slipyard.domain.lifecycle import DeploymentStatus
from tests.flow.api.api_server import ApiServer, until
from tests.flow.api.git_client import git, interrupt, push, start_git
from tests.flow.repository import Repository

URL = "http://shop.localhost:8080"


async def app(api: ApiServer) -> dict[str, object]:
    return (await api.client.get("/v1/apps/shop")).json()


async def test_a_build_that_fails_says_why_and_that_the_old_release_serves(
    api: ApiServer, repository: Repository
) -> None:
    repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))
    api.system.builder.fail_next(BuildFailed("RUN make ended with code 2.", log_tail=["no rule to make target"]))
    repository.commit("two", main__py="2")

    outcome = await push(repository, api.remote("shop"))

    assert outcome.status == 0  # it was stored; what it became is another question
    told = "\n".join(outcome.remote_lines)
    assert "Not live (failed): RUN make ended with code 2." in told
    assert "  | no rule to make target" in told
    assert "Your old release still serves." in told
    assert URL not in outcome.remote_lines


async def test_a_release_that_crashes_shows_its_last_lines(api: ApiServer, repository: Repository) -> None:
    api.system.builder.behaviour = Behaviour(ready_after=99, exits_after=0, exit_code=3, output=("boom",))
    repository.commit("one", main__py="1")

    outcome = await push(repository, api.remote("shop"))

    told = "\n".join(outcome.remote_lines)
    assert "Not live (failed)" in told
    assert "| boom" in told
    assert "still serves" not in told


async def test_a_client_that_leaves_stops_nothing(quiet_api: ApiServer, repository: Repository) -> None:
    repository.commit("one", main__py="1")
    client = await start_git(repository.path, "push", quiet_api.remote("shop"), "main")
    await until(lambda: _accepted(quiet_api))

    await interrupt(client)
    await quiet_api.system.settle()

    assert (await app(quiet_api))["status"] == "running"


async def test_a_push_makes_its_app_and_shows_where_it_answers(api: ApiServer, repository: Repository) -> None:
    repository.commit("one", main__py="1")

    outcome = await push(repository, api.remote("shop"))

    assert outcome.status == 0
    assert f"  {URL}" in outcome.remote_lines
    assert "[new branch]      main -> main" in outcome.text
    made = await app(api)
    assert (made["status"], made["url"]) == ("running", URL)
    assert [row["trigger"] for row in made["deployments"]] == ["git"]


async def test_the_branch_of_a_first_push_is_the_branch_of_the_app(
    api: ApiServer, repository: Repository, tmp_path: Path
) -> None:
    repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"), "main:trunk")

    assert (await app(api))["source"]["branch"] == "trunk"
    assert (await git(tmp_path, "clone", api.remote("shop"), "copy")).status == 0
    assert (await git(tmp_path / "copy", "branch", "--show-current")).text.strip() == "trunk"


async def test_another_branch_is_stored_and_not_deployed(api: ApiServer, repository: Repository) -> None:
    repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))
    repository.commit("two", main__py="2")

    outcome = await push(repository, api.remote("shop"), "main:feature/login")

    assert "only branch main is deployed" in "\n".join(outcome.remote_lines)
    assert len((await app(api))["deployments"]) == 1


async def test_a_tag_and_a_deletion_deploy_nothing(api: ApiServer, repository: Repository) -> None:
    repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))

    tagged = await push(repository, api.remote("shop"), "main:refs/tags/v1")
    deleted = await push(repository, api.remote("shop"), ":main")

    assert (tagged.status, deleted.status) == (0, 0)
    assert "was deleted; what is live stays" in "\n".join(deleted.remote_lines)
    assert (await app(api))["status"] == "running"
    assert len((await app(api))["deployments"]) == 1


async def test_going_back_by_force_deploys_the_old_commit(api: ApiServer, repository: Repository) -> None:
    first = repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))
    repository.commit("two", main__py="2")
    await push(repository, api.remote("shop"))

    outcome = await push(repository, api.remote("shop"), f"+{first}:main")

    assert f"  {URL}" in outcome.remote_lines
    assert (await app(api))["deployments"][0]["commit"] == first


async def test_a_push_does_not_wait_where_it_is_told_not_to(quiet_api: ApiServer, repository: Repository) -> None:
    repository.commit("one", main__py="1")

    outcome = await push(repository, quiet_api.remote("shop"), "-o", "detach", "-o", "no-cache", "main")

    assert outcome.status == 0
    assert "Not waiting" in "\n".join(outcome.remote_lines)
    (build,) = quiet_api.system.builds((await app(quiet_api))["id"])
    assert build.no_cache


async def test_a_push_of_many_commits_and_files(api: ApiServer, repository: Repository) -> None:
    for number in range(30):
        repository.commit(f"commit {number}", **{f"file_{number}": str(number) * 5000})

    assert (await push(repository, api.remote("shop"))).status == 0
    assert (await app(api))["status"] == "running"


async def test_a_clone_has_what_was_pushed_and_can_push_again(
    api: ApiServer, repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))
    reader = api.token("apps:read")

    for version in ("0", "1", "2"):
        cloned = await git(
            tmp_path, "-c", f"protocol.version={version}", "clone", api.remote("shop", reader), f"v{version}"
        )
        assert cloned.status == 0, cloned.text
        assert (await git(tmp_path / f"v{version}", "rev-parse", "HEAD")).text.strip() == commit
        assert (await git(tmp_path / f"v{version}", "fsck")).status == 0

    fetched = await git(tmp_path / "v2", "fetch", "--depth", "1", "origin")
    assert fetched.status == 0, fetched.text


async def test_many_refs_are_fetched_with_a_compressed_request(
    api: ApiServer, repository: Repository, tmp_path: Path
) -> None:
    repository.commit("one", main__py="1")
    await push(repository, api.remote("shop"))
    await git(tmp_path, "clone", api.remote("shop"), "copy")
    for number in range(60):
        repository.commit(f"commit {number}", main__py=str(number))
    branches = [f"HEAD~{number}:refs/heads/branch-{number}" for number in range(50)]
    await push(repository, api.remote("shop"), "-o", "detach", *branches)

    fetched = await git(tmp_path / "copy", "fetch", "origin")

    assert fetched.status == 0, fetched.text
    assert fetched.text.count("[new branch]") == 50


async def test_two_first_pushes_at_once_make_one_app(api: ApiServer, repository: Repository) -> None:
    repository.commit("one", main__py="1")

    outcomes = await asyncio.gather(
        push(repository, api.remote("shop"), "main"), push(repository, api.remote("shop"), "main:other")
    )

    assert [outcome.status for outcome in outcomes] == [0, 0]
    assert (await api.client.get("/v1/apps")).json()["total"] == 1


async def test_an_app_is_addressed_by_its_id_too(api: ApiServer, repository: Repository) -> None:
    made = (await api.client.post("/v1/apps", json={"name": "shop"})).json()
    repository.commit("one", main__py="1")

    assert (await push(repository, api.remote(made["id"]))).status == 0
    assert (await app(api))["status"] == "running"


async def _accepted(api: ApiServer) -> bool:
    listed = (await api.client.get("/v1/apps")).json()["apps"]
    rows = api.system.deployments(listed[0]["id"]) if listed else []
    return bool(rows) and rows[0].status is DeploymentStatus.PENDING
