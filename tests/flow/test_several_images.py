"""Several images of one source: made together, reused together, published, signed, and gone together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import col, select

from slipyard.api.streams.progress import Finished, follow_deployment
from slipyard.api.views.runtime_views import status_view
from slipyard.builder.image_build import BuiltImage, ImageBuild, Progress
from slipyard.clients.registry_manifest import Manifest
from slipyard.domain.errors import BuildFailed
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.domain.secret_store import FileStore
from slipyard.pipeline.builds.provenance import fault_of_release, read_origin
from slipyard.pipeline.cleaning.clean_up_old import clean_up_old
from slipyard.pipeline.configuration.change_secrets import NewSecret, set_secret
from slipyard.pipeline.configuration.secret_stores import add_store
from slipyard.pipeline.delete_app import delete_app
from slipyard.store.tables import App, Build, Release
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_to_live import new_app, push

COMPOSE = """
services:
  web: {build: ., ports: ["80:8080"], depends_on: [worker]}
  worker: {build: worker, command: ["python", "work.py"]}
  twin: {build: {context: worker}}
"""


@pytest.fixture
def shop(repository: Repository) -> Repository:
    """Two Dockerfiles, three services, of which two are one image."""
    (repository.path / "worker").mkdir()
    (repository.path / "worker" / "Dockerfile").write_text("FROM python\n")
    (repository.path / "compose.yaml").write_text(COMPOSE)
    (repository.path / "slipyard.yaml").write_text("compose: compose.yaml\n")
    return repository


async def deployed(system: System, shop: Repository, message: str = "one") -> str:
    app_id = await new_app(system)
    await push(system, app_id, shop, message, main__py=message)
    await system.settle()
    return app_id


def newest_release(system: System, app_id: str) -> Release:
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc())
    return system.read(lambda session: session.exec(query).first())


async def test_where_one_does_not_build_there_is_none(system: System, shop: Repository) -> None:
    app_id = await new_app(system)
    await push(system, app_id, shop, "one")
    build = system.builder.build

    async def of_the_worker_nothing(asked: ImageBuild, progress: Callable[[Progress], None]) -> BuiltImage:
        if asked.reference.endswith("-worker"):
            system.builder.fail_next(BuildFailed("COPY found nothing."))
        return await build(asked, progress)

    system.builder.build = of_the_worker_nothing  # type: ignore[method-assign]
    await system.work()

    assert len(system.builder.builds) == 2
    assert [build.status for build in system.builds(app_id)] == [BuildStatus.FAILED]
    assert system.builds(app_id)[0].images == {}


async def test_each_image_is_built_once_and_runs_as_its_services(system: System, shop: Repository) -> None:
    app_id = await deployed(system, shop)

    build = system.builds(app_id)[0]
    assert [each.reference.rpartition(":")[2] for each in system.builder.builds] == ["b1-1", "b1-1-worker"]
    assert list(build.images) == ["worker"]
    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE, system.deployments(app_id)[-1].error
    release = newest_release(system, app_id)
    services = {each.name: each for each in release.config.services}
    worker = build.images["worker"]
    assert {name: each.image and each.image.image_id for name, each in services.items()} == {
        "web": None,
        "worker": worker.image_id,
        "twin": worker.image_id,
    }
    log = system.context.layout.build_log(build.id).read_text()
    assert "#1 [1/1] FROM scratch" in log
    assert "#2 [1/1] FROM scratch" in log.partition("Building the image worker.")[2]
    origin = read_origin(system.context.cipher.signer, release.provenance)
    assert origin is not None
    assert origin.beside == ((worker.reference, worker.image_id),)


async def test_an_image_that_was_put_in_the_place_of_another_is_not_deployed(system: System, shop: Repository) -> None:
    app_id = await deployed(system, shop)
    release = newest_release(system, app_id)

    def swap(session) -> None:
        row = session.get_one(Release, release.id)
        services = [
            each.model_copy(update={"image": each.image.model_copy(update={"image_id": "sha256:other"})})
            if each.name == "twin"
            else each
            for each in row.config.services
        ]
        row.config = row.config.model_copy(update={"services": tuple(services)})
        session.add(row)

    def rename(session) -> None:
        row = session.get_one(Release, release.id)
        origin = row.config.origin.model_copy(update={"images": {"worker": row.config.image}})
        row.config = row.config.model_copy(update={"origin": origin})
        session.add(row)

    def fault() -> str | None:
        return system.read(lambda session: fault_of_release(session, system.context.cipher.signer, release.id))

    assert fault() is None
    await system.context.database.writing(swap)
    assert "its service twin has sha256:other" in (fault() or "")
    await system.context.database.writing(rename)
    assert "images beside it" in (fault() or "")


async def test_unchanged_all_are_used_again_and_without_one_of_them_all_are_built(
    system: System, shop: Repository
) -> None:
    app_id = await deployed(system, shop)
    await push(system, app_id, shop, "the same", main__py="one")
    await system.settle()
    assert len(system.builder.builds) == 2
    assert system.builds(app_id)[1].images == system.builds(app_id)[0].images

    await system.engine.remove_image(system.builds(app_id)[0].images["worker"].reference)
    await push(system, app_id, shop, "the same once more", main__py="one")
    await system.settle()

    assert len(system.builder.builds) == 4


async def test_all_are_published_and_all_go_when_nothing_needs_them(system: System, shop: Repository) -> None:
    app_id = await deployed(system, shop)
    first = system.builds(app_id)[0]
    names = {first.image_reference: first.image_id} | {
        image.reference: image.image_id for image in first.images.values()
    }
    for number, (reference, image_id) in enumerate(names.items()):
        system.registry.add(reference, Manifest(f"sha256:{number:064}", image_id, "application/json"))
    await system.control("publish")
    published = system.builds(app_id)[0]
    assert published.manifest_digest == f"sha256:{0:064}"
    assert published.images["worker"].manifest_digest == f"sha256:{1:064}"

    for number in range(2, 4):
        await push(system, app_id, shop, f"commit {number}", main__py=str(number))
        await system.settle()
    settings = system.context.settings.model_copy(update={"keep_releases": 1})
    await clean_up_old(replace(system.context, settings=settings))

    assert [await system.engine.image(name) for name in names] == [None, None]
    second = system.builds(app_id)[1]
    assert await system.engine.image(second.images["worker"].reference) is not None

    await delete_app(system.context, app_id, system.actor)
    await system.settle()
    assert await system.engine.image(second.images["worker"].reference) is None


async def test_a_compose_file_that_builds_nothing_makes_a_release_of_what_it_names(
    system: System, repository: Repository
) -> None:
    system.engine.publish("docker.io/library/whoami:1")
    (repository.path / "compose.yaml").write_text('services: {web: {image: "whoami:1", ports: ["8080"]}}\n')
    (repository.path / "slipyard.yaml").write_text("compose: compose.yaml\n")

    app_id = await deployed(system, repository)

    assert system.builder.builds == []
    build: Build = system.builds(app_id)[0]
    assert (build.status, build.image_reference) == (BuildStatus.SUCCEEDED, None), build.error
    assert system.deployments(app_id)[-1].status is DeploymentStatus.ACTIVE, system.deployments(app_id)[-1].error


async def test_an_app_whose_services_are_all_its_own_is_live_at_no_address(
    system: System, repository: Repository
) -> None:
    system.engine.publish("docker.io/library/whoami:1")
    (repository.path / "compose.yaml").write_text('services: {database: {image: "whoami:1", expose: ["8080"]}}\n')
    (repository.path / "slipyard.yaml").write_text("compose: compose.yaml\n")
    app_id = await deployed(system, repository)

    last = system.deployments(app_id)[-1]
    assert last.status is DeploymentStatus.ACTIVE, last.error
    assert "Live. None of its services is public" in system.deployment_log(last.id)
    finished = [each async for each in follow_deployment(system.context, last.id)][-1]
    assert isinstance(finished, Finished)
    assert finished.url is None
    assert (
        system.read(lambda session: status_view(session, session.get_one(App, app_id), system.context.settings)).url
        is None
    )


async def test_a_secret_kept_elsewhere_that_only_the_new_compose_file_names_is_there_at_once(
    system: System, shop: Repository, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "api").write_text("s3cret")
    app_id = await new_app(system)
    await add_store(system.context, "keys", FileStore(directory=str(tmp_path / "keys")), system.actor)
    await set_secret(system.context, app_id, NewSecret("API_KEY", None, "keys:api"), system.actor)
    (shop.path / "compose.yaml").write_text(
        "services: {web: {build: ., secrets: [API_KEY]}}\nsecrets: {API_KEY: {external: true}}\n"
    )

    await push(system, app_id, shop, "one")
    await system.settle()

    last = system.deployments(app_id)[-1]
    assert last.status is DeploymentStatus.ACTIVE, last.error
