"""`.dockerignore` means to Slipyard what it means to BuildKit: the same files of hundreds of random trees go to the build."""

import asyncio
import json
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

from slipyard.builder.dockerignore import IgnoreRules, parse_ignore_file
from slipyard.domain.errors import SourceRefused
from tests.engine.buildkit.daemons import buildkitd, recipe

TREES = 600
BUILDS = 25
NAMES = ["a", "b", "ab", "c.txt", "d.md", ".git", "foo", "foo.bar", "x y", "Ünï", "a^b", "n1", "docs", "[z]", "-q"]
PIECES = [
    *NAMES, "*", "**", "?", "*.txt", "*.md", "f*", "*o", "?b", "[ab]", "[a-c]*", "[^a]", "[^a]*", "[!a]", "[[:alpha:]]", "[a*b]",
    "[a?]", "[a**b]", "a\\b", "\\*", "x\\ y", "\\[z\\]", ".", "..", "", "**foo", "foo**", "a**b", "*.*", "f?o", "[b-a]", "[a", "a\\", "n\\d", "$", "(a)", "a|b", "{a,b}", "a{2}*", "a{1,}?",
    "[]", "[a-]", "^a", "*a*", "**.md", "[\\]a]",
]  # fmt: skip


@pytest.fixture(scope="module")
def reference() -> Path:
    return recipe("dockerignore_reference.sh") / "dockerignore-reference"


def random_pattern(dice: random.Random) -> str:
    pieces = [dice.choice(PIECES) for _ in range(dice.choice([1, 1, 1, 2, 2, 3]))]
    lead = dice.choice(["", "", "", "", "!", "!", "/", "!/", " ", "! ", "#", "./", "**/", "!**/"])
    return lead + "/".join(pieces) + dice.choice(["", "", "", "", "/", " ", "\r", "/**", "/*"])


def random_file(dice: random.Random) -> bytes:
    lines = [random_pattern(dice) for _ in range(dice.randint(1, 6))]
    return dice.choice([b"", b"", b"\xef\xbb\xbf"]) + "\n".join(lines).encode() + dice.choice([b"", b"\n"])


def make_tree(dice: random.Random, directory: Path, depth: int = 0) -> None:
    directory.mkdir()
    for name in dice.sample(NAMES, dice.randint(1, 6)):
        if depth < 3 and dice.random() < 0.5:
            make_tree(dice, directory / name, depth + 1)
        else:
            (directory / name).touch()


def walk(root: Path, below: Path | None = None):
    for path in sorted((below or root).iterdir()):
        yield str(path.relative_to(root)), path.is_dir()
        if path.is_dir():
            yield from walk(root, path)


def ours(root: Path) -> set[str] | None:
    """None where the patterns are refused."""
    try:
        return IgnoreRules(parse_ignore_file((root / ".dockerignore").read_bytes())).kept(walk(root))
    except SourceRefused:
        return None


async def ask(program: Path, roots: list[Path]) -> list[dict]:
    process = await asyncio.create_subprocess_exec(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output, _ = await process.communicate("\n".join(map(str, roots)).encode())
    return [json.loads(line) for line in output.splitlines()]


async def test_the_same_files_go_to_the_build_as_with_buildkits_own_matcher(reference: Path, tmp_path: Path) -> None:
    roots = []
    for seed in range(TREES):
        dice = random.Random(seed)
        roots.append(tmp_path / str(seed))
        make_tree(dice, roots[-1])
        (roots[-1] / ".dockerignore").write_bytes(random_file(dice))

    answers = await ask(reference, roots)

    assert len(answers) == TREES
    kept = refused = 0
    for root, answer in zip(roots, answers, strict=True):
        mine, rules = ours(root), (root / ".dockerignore").read_bytes()
        if answer["error"]:
            refused += 1
            assert mine is None, (root.name, rules, answer["error"])
        else:
            kept += 1
            assert mine == set(answer["kept"]), (root.name, rules)
    assert kept > 300
    assert refused > 30


def test_a_whole_build_by_the_reference_client_copies_the_same_files(tmp_path: Path) -> None:
    with buildkitd([]) as (address, _):
        for seed in range(BUILDS):
            dice, root = random.Random(10_000 + seed), tmp_path / str(seed)
            make_tree(dice, root)
            (root / ".dockerignore").write_bytes(random_file(dice))
            assert built_by_reference(address, root, tmp_path) == ours(root), (
                root.name,
                (root / ".dockerignore").read_bytes(),
            )


def built_by_reference(address: str, root: Path, scratch: Path) -> set[str] | None:
    """What `COPY . /` puts into an image, by buildctl and buildkitd; None where the rules are refused."""
    (scratch / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    output = scratch / "built.tar"
    done = subprocess.run(
        [
            recipe("buildkitd.sh") / "buildctl", "--addr", address, "build", "--frontend=dockerfile.v0", f"--local=context={root}",
            f"--local=dockerfile={scratch}", f"--output=type=tar,dest={output}", "--no-cache",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        assert "pattern" in done.stderr, done.stderr
        return None
    with tarfile.open(output) as archive:
        return {member.name.removeprefix("./").strip("/") for member in archive} - {"", "."}
