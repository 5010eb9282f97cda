"""What goes wrong is said in a sentence, and the old release serves on."""

import io
import tarfile

import pytest

from tests.engine.whole_app import SERVES, WholeApp

FROM = "FROM busybox\n"
BROKEN = {
    "a build step that fails": (FROM + "RUN echo no such thing >&2; exit 7\n", "exit code 7"),
    "a syntax error": (FROM + "NONSENSE here\n", "NONSENSE"),
    "a base image that is not there": ("FROM slipyard-has-no-such-image:1\nCMD true\n", "slipyard-has-no-such-image"),
    "a container that exits": (FROM + "CMD echo out of luck; exit 3\n", "code 3"),
    "a container that never answers": (FROM + "CMD sleep 600\n", "PORT"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_the_old_release_serves_on_and_the_pusher_reads_why(whole_app: WholeApp, kind: str) -> None:
    whole_app.create(health_check={"start_period": 2})
    whole_app.push("one")
    dockerfile, reason = BROKEN[kind]

    said = whole_app.push("two", dockerfile)

    failed = whole_app.deployments()[0]
    assert failed["status"] == "failed"
    assert reason in failed["error"] + " ".join(failed.get("log_tail") or []), failed["error"]
    assert "Your old release still serves." in said
    assert whole_app.text() == "one"


def test_the_last_lines_of_a_container_that_exits_are_shown(whole_app: WholeApp) -> None:
    said = whole_app.push("one", FROM + "CMD echo out of luck; exit 3\n")

    assert "out of luck" in said
    assert whole_app.slipyard.answer(whole_app.slug).status_code == 503


def test_an_image_whose_registry_does_not_exist_says_so_and_is_tried_once(whole_app: WholeApp) -> None:
    whole_app.create(source={"type": "image", "image": "registry.invalid/nobody/nothing:1"}, deploy=False)

    answer = whole_app.post("deploy?wait=60", json={})

    assert answer.json()["status"] == "failed"
    (deployment,) = whole_app.deployments()
    assert "There is no registry registry.invalid" in deployment["error"]
    assert deployment["attempt"] == 1


def test_a_tarball_that_leads_outside_is_refused_and_leaves_nothing(whole_app: WholeApp) -> None:
    whole_app.create(source={"type": "upload"})
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))

    answer = whole_app.post("build", content=data.getvalue())

    assert answer.status_code == 422
    assert ".." in answer.json()["error"]["message"]
    assert whole_app.builds() == []


@pytest.mark.parametrize(
    "source",
    [
        {"type": "git", "branch": "--upload-pack=touch"},
        {"type": "git", "repo_url": "ext::sh -c true"},
        {"type": "git", "repo_url": "file:///etc"},
        {"type": "git", "repo_url": "https://169.254.169.254/latest"},
    ],
)
def test_a_source_that_could_do_harm_is_refused_before_git_is_started(
    whole_app: WholeApp, source: dict[str, str]
) -> None:
    with whole_app.slipyard.client() as client:
        answer = client.post("/apps", json={"name": whole_app.slug, "source": source})

    if answer.status_code == 201:  # an address is judged when it is resolved
        whole_app.wait_over(whole_app.deployments()[0])
        assert whole_app.deployments()[0]["status"] == "failed"
    else:
        assert answer.status_code == 422
        assert answer.json()["error"]["message"]


def test_a_pushed_branch_that_looks_like_an_option_deploys_nothing(whole_app: WholeApp) -> None:
    whole_app.push("one")
    whole_app.commit("two")

    said = whole_app.slipyard.git_push(
        whole_app.repository.path, whole_app.slug, "HEAD:refs/heads/--upload-pack=touch", ok=False
    )

    assert "--upload-pack=touch" in said
    assert len(whole_app.deployments()) == 1
    assert whole_app.text() == "one"
    whole_app.push("three")
    assert whole_app.text() == "three"


def test_a_first_release_that_is_good_after_a_bad_one_goes_live(whole_app: WholeApp) -> None:
    whole_app.push("one", FROM + "CMD exit 1\n")
    whole_app.push("two", SERVES)

    assert whole_app.text() == "two"
