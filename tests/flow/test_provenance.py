"""What runs is what was built: each release carries a signed statement, and a deployment that contradicts it is refused."""

import base64
import json
from collections.abc import Callable

import pytest
from sqlmodel import col, select

from slipyard.api.views.work_views import release_view
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.provenance import Envelope, signed_bytes
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.promote import Promotion, promote
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.signer import Signer
from slipyard.store.tables import Build, Release
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import QUICK, new_app, push


@pytest.fixture
async def app_id(system: System, repository: Repository) -> str:
    """Two releases: the second is live, the first may be gone back to."""
    app_id = await new_app(system)
    for number in (1, 2):
        await push(system, app_id, repository, f"commit {number}", main__py=str(number))
        await system.settle()
    return app_id


def releases(system: System, app_id: str) -> list[Release]:
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number))
    return system.read(lambda session: list(session.exec(query)))


def view(system: System, release: Release):
    signer = system.context.cipher.signer
    return system.read(lambda session: release_view(session, signer, release, None, whole=True)).provenance


async def change(system: System, kind: type[Release] | type[Build], row_id: str, **columns: object) -> None:
    """As somebody who can write the database, and has no key."""

    def write(session) -> None:
        row = session.get_one(kind, row_id)
        for name, value in columns.items():
            setattr(row, name, value)
        session.add(row)

    await system.context.database.writing(write)


async def refused_rollback(system: System, app_id: str) -> str:
    active = system.deployments(app_id)[-1]
    await roll_back(system.context, app_id, None, system.actor)
    await system.settle()
    failed = system.deployments(app_id)[-1]
    assert failed.status is DeploymentStatus.FAILED
    assert system.read(lambda session: session.get_one(type(active), active.id)).status is DeploymentStatus.ACTIVE
    return failed.error or ""


def other_image(release: Release):
    image = release.config.image.model_copy(update={"image_id": f"sha256:{'e' * 64}"})
    return release.config.model_copy(update={"image": image})


def other_statement(release: Release, change: Callable[[dict], None]) -> Envelope:
    """The old signature under another statement."""
    assert release.provenance is not None
    statement = release.provenance.statement
    change(statement)
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return release.provenance.model_copy(update={"payload": payload})


async def test_an_image_that_is_not_the_one_that_was_signed_is_not_deployed(system: System, app_id: str) -> None:
    first = releases(system, app_id)[0]
    await change(system, Release, first.id, config=other_image(first))
    assert "was signed with the image id sha256:" in await refused_rollback(system, app_id)


async def test_a_build_that_says_another_commit_stops_the_deployment(system: System, app_id: str) -> None:
    first = releases(system, app_id)[0]
    await change(system, Build, str(first.build_id), commit="f" * 40)
    assert f"build 1 has {'f' * 40}" in await refused_rollback(system, app_id)


async def test_a_statement_that_was_touched_is_worth_nothing(system: System, app_id: str) -> None:
    first = releases(system, app_id)[0]

    def another_commit(statement: dict) -> None:
        statement["predicate"]["buildDefinition"]["externalParameters"]["commit"] = "f" * 40

    await change(system, Release, first.id, provenance=other_statement(first, another_commit))
    assert "was changed after it was signed" in await refused_rollback(system, app_id)


@pytest.mark.parametrize("payload", ["", "no base64!", base64.b64encode(b"[1]").decode()])
async def test_what_is_no_statement_at_all_is_said_to_be_changed(system: System, app_id: str, payload: str) -> None:
    first = releases(system, app_id)[0]
    assert first.provenance is not None
    await change(system, Release, first.id, provenance=first.provenance.model_copy(update={"payload": payload}))
    assert "was changed after it was signed" in await refused_rollback(system, app_id)


async def test_the_signature_of_another_installation_is_none(system: System, app_id: str) -> None:
    first, stranger = releases(system, app_id)[0], Signer.derived_from(b"somebody else")
    assert first.provenance is not None
    content = signed_bytes(base64.b64decode(first.provenance.payload))
    signature = first.provenance.signatures[0].model_copy(update={"value": stranger.sign(content)})
    forged = first.provenance.model_copy(update={"signatures": (signature,)})
    await change(system, Release, first.id, provenance=forged)
    assert "was changed after it was signed" in await refused_rollback(system, app_id)


async def test_a_release_without_a_statement_is_not_deployed(system: System, app_id: str) -> None:
    await change(system, Release, releases(system, app_id)[0].id, provenance=None)
    error = await refused_rollback(system, app_id)
    assert "Release 1 has no statement" in error
    assert "Deploy its commit again" in error


async def test_an_image_that_lost_its_statement_is_built_again_instead_of_reused(
    system: System, repository: Repository, app_id: str
) -> None:
    await change(system, Build, system.builds(app_id)[0].id, provenance=None)
    await push(system, app_id, repository, "as it was", main__py="1")
    await system.settle()
    assert len(system.builder.builds) == 3


async def test_a_release_says_from_which_commit_tree_plan_and_builder_it_comes(system: System, app_id: str) -> None:
    release, build = releases(system, app_id)[-1], system.builds(app_id)[-1]
    said = view(system, release)
    assert (said.verified, said.fault, said.kind) == (True, None, "built")
    assert (said.image_id, said.build_id) == (build.image_id, build.id)
    assert (said.commit, said.snapshot_digest, said.plan_key) == (build.commit, build.snapshot_digest, build.plan_key)
    assert said.builder == "a builder in memory"
    assert said.envelope["payloadType"] == "application/vnd.in-toto+json"


async def test_an_image_used_again_names_the_build_that_made_it(
    system: System, repository: Repository, app_id: str
) -> None:
    await push(system, app_id, repository, "as it was", main__py="1")
    await system.settle()
    first, *_, last = system.builds(app_id)
    said = view(system, releases(system, app_id)[-1])
    assert (said.verified, said.build_id, said.reused_from, said.commit) == (True, last.id, first.id, last.commit)
    assert last.commit != first.commit


async def test_what_the_frontend_said_is_in_it_is_part_of_the_statement_also_when_it_is_used_again(
    system: System, repository: Repository
) -> None:
    system.builder.registry = system.registry
    system.set(sbom_generator="scanner:1")
    app_id = await new_app(system)
    for number in ("1", "2", "1"):
        await push(system, app_id, repository, f"now {number}", main__py=number)
        await system.settle()

    first, _, last = releases(system, app_id)
    (digest,) = view(system, first).sbom
    assert digest in [each for found in system.registry.lists.values() for each in found]
    assert (view(system, last).sbom, view(system, last).verified) == ([digest], True)
    assert first.config.image.image_id == system.builds(app_id)[0].image_id


async def test_a_promoted_release_carries_the_statement_of_its_source(system: System, app_id: str) -> None:
    shop = (await create_app(system.context, NewApp("shop-live", config=QUICK), system.actor)).app.id
    await promote(system.context, Promotion(app_id, shop), system.actor)
    await system.work()
    (made,) = releases(system, shop)
    assert made.provenance == releases(system, app_id)[-1].provenance
    assert view(system, made).verified
    assert system.deployments(shop)[-1].status is DeploymentStatus.ACTIVE


async def test_an_image_from_elsewhere_is_held_to_the_digest_that_was_found(system: System) -> None:
    system.engine.publish("docker.io/library/web:1")
    config = QUICK.model_copy(update={"source": Source(type=SourceType.IMAGE, image="web:1")})
    app_id = (await create_app(system.context, NewApp("web", config=config), system.actor)).app.id
    await system.work()
    (release,) = releases(system, app_id)
    assert (view(system, release).kind, view(system, release).verified) == ("pulled", True)

    await deploy_app(system.context, app_id, DeployRequest(), system.actor)
    await system.work()
    await change(system, Release, release.id, config=other_image(release))
    assert "was signed with the image id" in await refused_rollback(system, app_id)
