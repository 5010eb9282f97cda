"""What becomes of a push by the rules of its app, and that what was decided once is not decided again by whoever looks."""

from dataclasses import replace

import pytest
from sqlmodel import select

from slipyard.domain.announcement import CheckEnd
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.domain.source import Source
from slipyard.domain.triggers import Triggers
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.pushes.end_check import ChecksEnded, end_checks
from slipyard.pipeline.pushes.receive_push import NO_COMMIT, PushDecision, PushSeen, receive_push, receive_pushes
from slipyard.store.tables import Push
from tests.flow.repository import Repository
from tests.flow.system import System

QUICK = HealthCheck(start_period=1)
MAIN = "refs/heads/main"


async def new_app(system: System, **fields: object) -> str:
    config = AppConfig(health_check=QUICK, **fields)
    return (await create_app(system.context, NewApp("shop", config=config), system.actor)).app.id


async def checked_app(system: System) -> str:
    source = Source(repo_url="https://git.example.org/team/shop.git")
    config = AppConfig(health_check=QUICK, source=source, triggers=Triggers(after_check="test"))
    return (await create_app(system.context, NewApp("shop", config=config, deploy=False), system.actor)).app.id


def seen(app_id: str, commit: str, previous: str | None = None, **fields: object) -> PushSeen:
    return replace(PushSeen(app_id, MAIN, commit, previous, "github", "dev"), **fields)


async def push(
    system: System, app_id: str, repository: Repository, message: str, ref: str = "main", **files: str
) -> PushDecision:
    """Committed, stored in the app's repository, and told as a `git push` is."""
    commit = repository.commit(message, **files)
    repository.push(system.context.layout.repository(app_id), f"HEAD:refs/heads/{ref}")
    return await receive_push(system.context, PushSeen(app_id, f"refs/heads/{ref}", commit, None, "git", "dev"))


def pushes(system: System, app_id: str) -> list[Push]:
    return system.read(lambda session: list(session.exec(select(Push).where(Push.app_id == app_id).order_by(Push.id))))


async def test_a_skipped_push_is_not_deployed_by_whoever_looks_at_the_head(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system)

    decision = await push(system, app_id, repository, "docs\n\n[skip ci]", main__py="1")
    for _ in range(4):
        await system.control("pushes")

    assert decision.status == "skipped"
    assert "[skip ci]" in decision.message
    assert system.deployments(app_id) == []
    assert [row.rule for row in pushes(system, app_id)] == ["skip_marker"]


async def test_a_commit_on_top_of_a_skipped_one_deploys(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one [no ci]", main__py="1")

    decision = await push(system, app_id, repository, "two", main__py="2")

    assert decision.status == "deployed"


async def test_files_that_are_not_watched_skip_by_gits_own_diff(system: System, repository: Repository) -> None:
    app_id = await new_app(system, watch_paths=["**", "!*.md"])
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()

    skipped = [await push(system, app_id, repository, "words", README__md=str(number)) for number in range(2)]
    deployed = await push(system, app_id, repository, "code", main__py="2")

    assert [decision.status for decision in skipped] == ["skipped", "skipped"]
    assert "README.md" in skipped[0].message
    assert deployed.status == "deployed"


async def test_the_first_push_deploys_whatever_it_changed(system: System, repository: Repository) -> None:
    app_id = await new_app(system, watch_paths=["src/**"])

    assert (await push(system, app_id, repository, "one", main__py="1")).status == "deployed"


async def test_code_that_a_marker_kept_back_deploys_with_the_next_push(system: System, repository: Repository) -> None:
    """The files of that next push alone would say that nothing watched has changed."""
    app_id = await new_app(system, watch_paths=["*.py"])
    await push(system, app_id, repository, "one", main__py="1")
    await push(system, app_id, repository, "two [skip ci]", main__py="2")

    assert (await push(system, app_id, repository, "words", README__md="3")).status == "deployed"


@pytest.mark.parametrize(
    ("paths", "status"), [(("README.md",), "skipped"), (("main.py",), "deployed"), (None, "deployed")]
)
async def test_the_senders_list_of_files_counts_where_the_mirror_knows_nothing(
    system: System, repository: Repository, paths: tuple[str, ...] | None, status: str
) -> None:
    app_id = await new_app(system, watch_paths=["*.py"])
    await push(system, app_id, repository, "one", main__py="1")
    head = repository.git("rev-parse", "HEAD")

    decision = await receive_push(system.context, seen(app_id, "b" * 40, head, paths=paths))

    assert decision.status == status


async def test_a_push_whose_predecessor_was_never_heard_of_deploys(system: System, repository: Repository) -> None:
    app_id = await new_app(system, watch_paths=["*.py"])
    await push(system, app_id, repository, "one", main__py="1")

    decision = await receive_push(system.context, seen(app_id, "c" * 40, "b" * 40, paths=("README.md",)))

    assert decision.status == "deployed"


async def test_what_the_senders_said_shows_that_a_message_is_late(system: System) -> None:
    """None of these commits is in the mirror yet: they arrive before any build has fetched one."""
    app_id = await new_app(system)
    one, two, three = "1" * 40, "2" * 40, "3" * 40
    newest = await receive_push(system.context, seen(app_id, three, two))
    late = await receive_push(system.context, seen(app_id, two, one, forced=True))

    assert (newest.status, late.status) == ("deployed", "superseded")
    assert "moved on" in late.message
    assert system.app(app_id).decided_commit == three


async def test_a_branch_that_is_moved_back_on_purpose_goes_back(system: System, repository: Repository) -> None:
    """GitLab does not say that a push was forced; that it began at what we know as the head does."""
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    first = repository.git("rev-parse", "HEAD")
    await push(system, app_id, repository, "two", main__py="2")
    second = repository.git("rev-parse", "HEAD")

    late = await receive_push(system.context, seen(app_id, first))
    back = await receive_push(system.context, seen(app_id, first, second))

    assert late.status == "superseded"
    assert "contains it" in late.message
    assert back.status == "deployed"


async def test_further_branches_and_tags_deploy_their_commit_and_nobody_deploys_the_main_branch_again(
    system: System, repository: Repository
) -> None:
    app_id = await new_app(system, triggers=Triggers(branches=["release/*"], tags=["v*"]))
    await push(system, app_id, repository, "one", main__py="1")
    await system.settle()
    released = await push(system, app_id, repository, "two", "release/1", main__py="2")
    other = await push(system, app_id, repository, "three", "feature/x", main__py="3")
    tagged = await receive_push(
        system.context, PushSeen(app_id, "refs/tags/v1", repository.git("rev-parse", "HEAD"), None, "git", "dev")
    )
    await system.settle()
    for _ in range(3):
        await system.control("pushes")

    assert [released.status, other.status, tagged.status] == ["deployed", "ignored", "deployed"]
    assert "triggers.branches" in other.message
    titles = [row.title for row in system.deployments(app_id)]
    assert titles == ["one", "Branch release/1: two", "Tag v1: three"]
    live = system.deployments(app_id)[-1]
    assert (live.status, live.commit) == (DeploymentStatus.ACTIVE, repository.git("rev-parse", "HEAD"))


async def test_of_many_refs_in_one_message_one_deploys_and_it_is_the_apps_branch(system: System) -> None:
    app_id = await new_app(system, triggers=Triggers(branches=["release/*"]))
    refs = {MAIN: "1" * 40, "refs/heads/release/1": "2" * 40, "refs/heads/x": "3" * 40, "refs/heads/gone": NO_COMMIT}

    decision = await receive_pushes(
        system.context, [PushSeen(app_id, ref, commit, None, "bitbucket", "dev") for ref, commit in refs.items()]
    )

    assert decision.status == "deployed"
    assert "on main" in decision.message
    assert "3 other refs" in decision.message
    assert {row.ref: row.decision for row in pushes(system, app_id)} == {
        MAIN: "accepted", "refs/heads/release/1": "superseded", "refs/heads/x": "ignored", "refs/heads/gone": "ignored",
    }  # fmt: skip
    assert len(system.deployments(app_id)) == 1


async def test_a_check_that_fails_holds_its_push_and_one_that_passes_later_lets_it_go(system: System) -> None:
    app_id = await checked_app(system)
    commit = "1" * 40

    held = await receive_push(system.context, seen(app_id, commit))
    other = await ended(system, app_id, "lint", commit, passed=True)
    failed = await ended(system, app_id, "test", commit, passed=False)
    before = len(system.deployments(app_id))
    passed = await ended(system, app_id, "test", commit, passed=True)
    again = await ended(system, app_id, "test", commit, passed=True)

    assert (held.status, held.message) == ("skipped", f"{commit[:12]} waits for the check test.")
    assert (other.status, failed.status, before) == ("ignored", "skipped", 0)
    assert "failed" in failed.message
    assert (passed.status, again.status) == ("deployed", "ignored")
    (build,), (deployment,) = system.builds(app_id), system.deployments(app_id)
    assert (build.ref, build.commit) == (None, commit)  # what the check has seen, not the branch's head of the moment
    assert passed.deployment_id == deployment.id
    assert deployment.title == "After the check test"


async def test_a_check_that_passed_before_its_push_was_heard_of_counts(system: System) -> None:
    app_id = await checked_app(system)
    await ended(system, app_id, "test", "1" * 40, passed=True)

    assert (await receive_push(system.context, seen(app_id, "1" * 40))).status == "deployed"


async def test_a_newer_push_takes_the_place_of_a_held_one(system: System) -> None:
    app_id = await checked_app(system)
    older, newer = "1" * 40, "2" * 40
    await receive_push(system.context, seen(app_id, older))
    await receive_push(system.context, seen(app_id, newer, older))

    late = await ended(system, app_id, "test", older, passed=True)
    passed = await ended(system, app_id, "test", newer, passed=True)

    assert [row.decision for row in pushes(system, app_id)] == ["superseded", "accepted"]
    assert (late.status, passed.status) == ("ignored", "deployed")


async def test_a_held_push_of_another_source_stays_where_it_is(system: System) -> None:
    app_id = await checked_app(system)
    await receive_push(system.context, seen(app_id, "1" * 40))
    config = system.app(app_id).config
    source = Source(repo_url="https://example.org/other.git")
    await change_app(
        system.context, app_id, AppChanges(config=config.model_copy(update={"source": source})), system.actor
    )

    assert (await ended(system, app_id, "test", "1" * 40, passed=True)).status == "ignored"
    assert system.deployments(app_id) == []


async def test_a_queued_build_gives_way_to_a_newer_push(system: System) -> None:
    app_id = await new_app(system)
    await receive_push(system.context, seen(app_id, "1" * 40))
    await receive_push(system.context, seen(app_id, "2" * 40, "1" * 40))

    assert [row.status for row in system.builds(app_id)] == [BuildStatus.SUPERSEDED, BuildStatus.QUEUED]


async def test_a_repeat_deploys_what_is_not_live_and_force_what_is(system: System, repository: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, repository, "one", main__py="1")
    commit = repository.git("rev-parse", "HEAD")
    under_way = await receive_push(system.context, seen(app_id, commit, repeat=True))
    await system.settle()
    live = await receive_push(system.context, seen(app_id, commit, repeat=True))
    forced = await receive_push(system.context, seen(app_id, commit, repeat=True, again=True))

    assert (under_way.status, live.status, forced.status) == ("ignored", "ignored", "deployed")
    assert "under way" in under_way.message
    assert "already live" in live.message


async def ended(system: System, app_id: str, name: str, commit: str, *, passed: bool) -> PushDecision:
    return await end_checks(system.context, ChecksEnded(app_id, (CheckEnd(name, commit, passed),)))
