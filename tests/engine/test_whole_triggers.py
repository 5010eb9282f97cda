"""Every way in leads to a live release, to the next one, and back."""

import hashlib
import hmac
import io
import json
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import httpx
import pytest

from tests.engine.decided import decided
from tests.engine.git_hosts import HttpHost, http_host
from tests.engine.git_hosts import Repository as HostedRepository
from tests.engine.open_registry import open_registry
from tests.engine.whole_app import SERVES, WholeApp


def go_back(app: WholeApp, to: str) -> None:
    builds = len(app.builds())

    app.slipyard.slipyard("rollback", "--app", app.slug)

    assert app.text() == to
    assert len(app.builds()) == builds, "going back builds nothing"
    assert app.deployments()[0]["trigger"] == "rollback"


def test_a_push_goes_live_and_back(whole_app: WholeApp) -> None:
    said = whole_app.push("one")
    assert f"http://{whole_app.slug}.localhost:{whole_app.slipyard.http_port}" in said
    assert whole_app.text() == "one"

    whole_app.push("two")
    assert whole_app.text() == "two"

    go_back(whole_app, "one")


def test_a_directory_goes_live_and_back(whole_app: WholeApp) -> None:
    for text in ("one", "two"):
        whole_app.commit(text)
        whole_app.slipyard.slipyard("deploy", ".", "--app", whole_app.slug, cwd=whole_app.repository.path)
        assert whole_app.text() == text

    go_back(whole_app, "one")


@pytest.mark.parametrize("as_form", [False, True], ids=["body", "multipart"])
def test_a_tarball_goes_live_and_back(whole_app: WholeApp, *, as_form: bool) -> None:
    whole_app.create(source={"type": "upload"})
    for text in ("one", "two"):
        tar = tarball({"Dockerfile": SERVES, "index.html": text})
        sent = {"files": {"source": ("app.tar.gz", tar)}} if as_form else {"content": tar}
        answer = whole_app.post("build?wait=60", **sent)
        assert (answer.status_code, answer.json()["status"]) == (200, "active")
        assert whole_app.text() == text

    go_back(whole_app, "one")


def test_an_image_goes_live_and_back(whole_app: WholeApp, registry: str) -> None:
    first, second = (publish(registry, text) for text in ("one", "two"))
    whole_app.wait_status(whole_app.create(image=first)["deployments"][0], "active")
    assert whole_app.text() == "one"

    answer = whole_app.post("deploy/image?wait=60", json={"image_uri": second})
    assert answer.json()["status"] == "active"
    assert whole_app.text() == "two"

    go_back(whole_app, "one")


def test_a_tag_that_moved_is_pulled_again(whole_app: WholeApp, registry: str) -> None:
    name = publish(registry, "one", "moving")
    whole_app.wait_status(whole_app.create(image=name)["deployments"][0], "active")
    publish(registry, "two", "moving")

    whole_app.slipyard.slipyard("deploy", whole_app.slug)

    assert whole_app.text() == "two"
    go_back(whole_app, "one")


def test_a_repository_elsewhere_deploys_its_branch(
    whole_app: WholeApp, host: HttpHost, hosted: HostedRepository
) -> None:
    hosted.commit(tree("main is not deployed"))
    hosted.commit(tree("one"), branch="release")
    created = whole_app.create(repo_url=host.url(), branch="release")
    whole_app.wait_status(created["deployments"][0], "active")
    assert whole_app.text() == "one"

    commit = hosted.commit(tree("two"), branch="release")
    whole_app.slipyard.slipyard("deploy", whole_app.slug)
    assert whole_app.text() == "two"
    assert whole_app.deployments()[0]["commit"] == commit

    go_back(whole_app, "one")


def test_a_signed_webhook_deploys_what_was_pushed(
    whole_app: WholeApp, host: HttpHost, hosted: HostedRepository
) -> None:
    hosted.commit(tree("one"))
    whole_app.wait_status(whole_app.create(repo_url=host.url())["deployments"][0], "active")
    hook = whole_app.post("webhooks", json={"provider": "github"}).raise_for_status().json()

    commit = hosted.commit(tree("two"))
    answer = deliver(hook, commit)

    assert answer.status_code == httpx.codes.ACCEPTED
    verdict = decided(whole_app, answer)
    assert (verdict["app"], verdict["status"]) == (whole_app.slug, "deployed")
    whole_app.wait_status({"id": verdict["deployment_id"]}, "active")
    assert whole_app.text() == "two"
    assert whole_app.deployments()[0]["trigger"] == "github"
    go_back(whole_app, "one")


def test_a_webhook_for_a_commit_that_is_live_deploys_nothing(
    whole_app: WholeApp, host: HttpHost, hosted: HostedRepository
) -> None:
    hosted.commit(tree("one"))
    whole_app.create(repo_url=host.url(), deploy=False)
    hook = whole_app.post("webhooks", json={"provider": "github"}).raise_for_status().json()
    commit = hosted.commit(tree("two"))
    first = decided(whole_app, deliver(hook, commit))
    whole_app.wait_status({"id": first["deployment_id"]}, "active")

    replayed = decided(whole_app, deliver(hook, commit))
    announced_anew = decided(whole_app, deliver(hook, commit, pusher="grace"))

    assert replayed["deployment_id"] == first["deployment_id"], "the same words under another id are the same delivery"
    assert "counts once" in replayed["message"]
    assert announced_anew["status"] == "ignored"
    assert announced_anew["message"] == f"{commit[:12]} is already live."
    assert len(whole_app.deployments()) == 1
    assert whole_app.text() == "two"


def test_a_webhook_with_a_wrong_signature_deploys_nothing(
    whole_app: WholeApp, host: HttpHost, hosted: HostedRepository
) -> None:
    commit = hosted.commit(tree("one"))
    whole_app.create(repo_url=host.url(), deploy=False)
    hook = whole_app.post("webhooks", json={"provider": "github"}).raise_for_status().json()

    answer = deliver(hook | {"secret": "guessed"}, commit)

    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert whole_app.deployments() == []


@pytest.fixture
def hosted(tmp_path: Path) -> HostedRepository:
    root = tmp_path / "hosted"
    root.mkdir()
    return HostedRepository.make(root)


@pytest.fixture
def host(hosted: HostedRepository) -> Iterator[HttpHost]:
    with http_host(hosted.bare.parent) as opened:
        yield opened


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with open_registry(tmp_path) as address:
        yield address


def tree(text: str) -> dict[str, bytes | str]:
    return {"Dockerfile": SERVES.encode(), "index.html": text.encode()}


def tarball(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def publish(registry: str, text: str, tag: str | None = None) -> str:
    """An image that was built elsewhere: in the registry, and no longer in the engine."""
    name = f"{registry}/elsewhere:{tag or secrets.token_hex(4)}"
    context = tarball({"Dockerfile": SERVES, "index.html": text})
    with closing(docker.from_env()) as engine:
        engine.images.build(fileobj=io.BytesIO(context), custom_context=True, encoding="gzip", tag=name)
        engine.images.push(name)
        engine.images.remove(name)
    return name


def deliver(hook: dict[str, str], commit: str, pusher: str = "ada") -> httpx.Response:
    body = json.dumps(
        {"ref": "refs/heads/main", "before": "0" * 40, "after": commit, "pusher": {"name": pusher}}
    ).encode()
    signature = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }
    return httpx.post(hook["url"], content=body, headers=headers, timeout=30)
