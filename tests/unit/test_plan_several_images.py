"""A repository may name several images: each has its own directory and recipe, and all of them make the plan's key."""

from pathlib import Path

import pytest

from slipyard.builder.image_build import Dockerfile
from slipyard.builder.plan import BuildPlan
from slipyard.domain.errors import SourceRefused
from tests.unit.test_plan import package, plan

TWO = b"services:\n  worker: {build: worker, command: node work.js}\n  mail: {build: {context: mail, target: run}}\n"
FILES = {
    "Dockerfile": b"FROM a\n",
    "worker/package.json": package(),
    "worker/work.js": b"",
    "mail/Dockerfile": b"FROM b AS run\nFROM run\n",
}


@pytest.mark.parametrize(
    ("files", "source", "why"),
    [
        ({"slipyard.yaml": TWO, "Dockerfile": b"FROM a\n"}, {}, "no directory 'mail'"),
        ({"slipyard.yaml": b"services: {w: {build: ../w}}", "index.html": b""}, {}, "does not lie inside the source"),
        ({"slipyard.yaml": b"services: {w: {build: w}}", "index.html": b"", "w/x": b""}, {}, "Looked in 'w'"),
        ({**FILES, "slipyard.yaml": TWO.replace(b"run", b"walk")}, {}, "no stage 'walk'"),
        ({"slipyard.yaml": b"compose: none.yaml", "Dockerfile": b""}, {}, "no compose file 'none.yaml'"),
        ({"Dockerfile": b""}, {"compose": "none.yaml"}, "no compose file 'none.yaml'"),
        ({"slipyard.yaml": b"build: {secrets: ['a,b']}", "Dockerfile": b""}, {}, "slipyard.yaml line 1"),
        ({"app.json": b"{", "Dockerfile": b""}, {}, "app.json is no JSON"),
    ],
)
async def test_what_cannot_be_planned_is_refused(tmp_path: Path, files: dict, source: dict, why: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        await plan(tmp_path, files, **source)
    assert why in refused.value.message


async def test_each_image_has_its_directory_and_its_recipe(tmp_path: Path) -> None:
    made = await plan(tmp_path, {**FILES, "slipyard.yaml": TWO}, build_args={"OF": "app"})
    assert made.subdirectory == ""
    assert {name: each.subdirectory for name, each in made.beside.items()} == {"mail": "mail", "worker": "worker"}
    assert (made.beside["mail"].dockerfile, made.beside["mail"].target) == (Dockerfile("Dockerfile"), "run")
    assert "exec node work.js" in (made.beside["worker"].dockerfile.text or "")
    assert (made.build_args, made.beside["mail"].build_args) == ({"OF": "app"}, {})
    assert "worker: package.json" in " ".join(made.explanation)


async def test_they_lie_below_the_apps_subdirectory(tmp_path: Path) -> None:
    files = {f"shop/{name}": content for name, content in FILES.items()} | {"shop/slipyard.yaml": TWO}
    made = await plan(tmp_path, files, subdirectory="shop")
    assert sorted(each.subdirectory for each in (made, *made.beside.values())) == ["shop", "shop/mail", "shop/worker"]


async def test_what_the_app_was_told_wins_over_its_repository(tmp_path: Path) -> None:
    files = {
        "slipyard.yaml": b"build: {context: web, dockerfile: docker/run, target: a, args: {A: file, B: file}}",
        "web/docker/run": b"FROM x AS a\nFROM x AS b\n",
        "Dockerfile.told": b"FROM y AS a\nFROM y AS b\n",
    }
    said = await plan(tmp_path, files)
    assert (said.subdirectory, said.dockerfile, said.target) == ("web", Dockerfile("docker/run"), "a")
    told = await plan(tmp_path, files, dockerfile="Dockerfile.told", target="b", build_args={"A": "told"})
    assert (told.dockerfile.text, told.target) == ("FROM y AS a\nFROM y AS b\n", "b")
    assert told.build_args == {"A": "told", "B": "file"}


async def test_a_dockerfile_in_a_compose_file_is_one(tmp_path: Path) -> None:
    compose = b"services:\n  web:\n    build:\n      dockerfile_inline: |\n        FROM x\n        EXPOSE 81\n"
    made = await plan(tmp_path, {"compose.yaml": compose}, compose="compose.yaml")
    assert (made.dockerfile.text, made.port_hint) == ("FROM x\nEXPOSE 81\n", 81)


async def test_any_change_of_any_image_is_another_plan_and_other_words_are_not(tmp_path: Path) -> None:
    async def key(**changed: bytes) -> str:
        files = {**FILES, "slipyard.yaml": TWO} | {
            name.replace("__", "/").replace("_yaml", ".yaml"): text for name, text in changed.items()
        }
        made: BuildPlan = await plan(tmp_path, files)
        return made.key("the same tree")

    first = await key()
    assert await key(slipyard_yaml=TWO + b"port: 80\n") == first
    others = [await key(slipyard_yaml=TWO.replace(b"target: run", text)) for text in (b"target: '0'", b"args: {A: b}")]
    assert len({first, *others}) == 3
