"""Every example goes live as it lies there, by one push, and answers."""

import shutil
from pathlib import Path

import pytest

from tests.engine.installation import CHECKOUT, Installation
from tests.engine.whole_app import new_app
from tests.flow.repository import Repository

EXAMPLES = sorted(path.name for path in (CHECKOUT / "examples").iterdir() if path.is_dir())


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
