"""Secret files lie where nobody else reads them, stay as they are while they are mounted, and go with their release."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from slipyard.deployer.docker.secret_files import SecretFiles
from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.configuration import SecretFile
from slipyard.domain.errors import SystemFault
from slipyard.domain.health import HealthCheck
from slipyard.domain.resources import Resources

KEY = SecretFile(path="/run/secrets/key", mode=0o440, content="s3cret")
SPEC = InstanceSpec(
    "ins_1", "app_1", "shop", "dep_1", "rel_1", "web", "image", "10.0.0.2", 3000, {}, None, Resources(), HealthCheck(),
    (KEY,),
)  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path / "memory", "inst")


def test_a_directory_that_is_somebody_elses_gets_no_secret(files: SecretFiles, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "memory").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemFault, match="SLIPYARD_SECRET_FILES"):
        asyncio.run(files.lay(SPEC))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nobody_else_gets_to_a_file_and_it_has_the_mode_that_was_asked_for(files: SecretFiles, tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir(mode=0o755)  # as an engine makes it
    asyncio.run(files.lay(SPEC))

    (mount,) = files.mounts(SPEC)
    laid = Path(mount.source)
    assert (mount.path, laid.read_text(), laid.stat().st_mode & 0o777) == ("/run/secrets/key", "s3cret", 0o440)
    directories = (tmp_path / "memory", tmp_path / "memory" / "inst", laid.parent)
    assert {each.stat().st_mode & 0o777 for each in directories} == {0o700}


def test_a_file_that_is_mounted_is_not_made_anew(files: SecretFiles) -> None:
    asyncio.run(files.lay(SPEC))
    laid = Path(files.mounts(SPEC)[0].source)
    before = laid.stat().st_ino
    asyncio.run(files.lay(SPEC))
    assert laid.stat().st_ino == before


def test_a_file_that_somebody_changed_is_right_again_at_the_next_start(files: SecretFiles) -> None:
    asyncio.run(files.lay(SPEC))
    laid = Path(files.mounts(SPEC)[0].source)
    laid.chmod(0o600)
    laid.write_text("other")
    asyncio.run(files.lay(SPEC))
    assert laid.read_text() == "s3cret"


def test_files_of_releases_that_nobody_runs_go_and_others_stay(files: SecretFiles, tmp_path: Path) -> None:
    asyncio.run(files.keep_only(set()))
    other = SecretFiles(tmp_path / "memory", "other")
    for release in ("rel_1", "rel_2"):
        asyncio.run(files.lay(replace(SPEC, release_id=release)))
    asyncio.run(other.lay(SPEC))

    asyncio.run(files.keep_only({"rel_2"}))

    left = sorted(str(path.relative_to(tmp_path / "memory")) for path in (tmp_path / "memory").glob("*/*"))
    assert left == ["inst/rel_2", "other/rel_1"]
