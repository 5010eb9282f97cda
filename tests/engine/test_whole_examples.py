"""Every example goes live as it lies there, by one push, and answers."""

import shutil
from pathlib import Path

import pytest

from tests.engine.installation import CHECKOUT, Installation
from tests.engine.whole_app import new_app
from tests.flow.repository import Repository

TEMPLATES = "templates"
EXAMPLES = sorted(path.name for path in (CHECKOUT / "examples").iterdir() if path.is_dir() and path.name != TEMPLATES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_goes_live(slipyard: Installation, tmp_path: Path, name: str) -> None:
    work = tmp_path / "work"
    shutil.copytree(CHECKOUT / "examples" / name, work)
    repository = Repository(work)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", name)
    app = new_app(slipyard, repository, name)

    said = slipyard.git_push(work, app.slug)

    answer = slipyard.answer(app.slug)
    assert answer.status_code == 200, said
    assert "Slipyard" in answer.text or "Hello" in answer.text
    app.delete()


def test_every_template_goes_live_by_one_call(slipyard: Installation, tmp_path: Path) -> None:
    """Side by side: each is one request, and the page counts its visits in the database of its own."""
    with slipyard.client() as client:
        names = [each["id"] for each in client.get("/templates").json()["templates"]]
    assert names == sorted(path.name for path in (CHECKOUT / "examples" / TEMPLATES).iterdir())
    apps = {name: new_app(slipyard, Repository(tmp_path / name), name) for name in names}
    deployments = {name: app.create(template_id=name)["deployments"][0] for name, app in apps.items()}
    for name, app in apps.items():
        app.wait_status(deployments[name], "active")

    assert "Hello from Slipyard" in apps["static-site"].text()
    assert apps["postgresql"].get("")["url"] is None, "nobody outside can ask it"
    first, second = (int(slipyard.answer(apps["python-postgresql"].slug).text.split()[-1]) for _ in range(2))
    assert 0 < first < second, "probes are visits too"
    for name, command, said in (
        ("postgresql", ["psql", "-U", "app", "-tAc", "SELECT 40 + 2"], "42"),
        ("redis", ["redis-cli", "ping"], "PONG"),
    ):
        assert said in slipyard.slipyard("exec", "-T", apps[name].slug, "--", *command)
    with slipyard.client() as client:
        for app in apps.values():
            client.delete(f"/apps/{app.slug}?volumes=data" if app.get("/volumes")["volumes"] else f"/apps/{app.slug}")
