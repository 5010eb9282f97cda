"""`slipyard config validate` reads the files of a directory without a server, and says what it makes of them."""

import json
import re
from pathlib import Path

import pytest

from slipyard.cli.exit_codes import ExitCode
from slipyard.cli.main import run
from slipyard.domain.manifests.slipyard_yaml import read_slipyard_yaml

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = CHECKOUT / "examples" / "compose"


def test_a_fault_is_told_with_its_line_and_what_was_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "slipyard.yaml").write_text("name: shop\nports: 80\nreplica: 2\n")
    assert run(["config", "validate", str(tmp_path)]) == ExitCode.REFUSED
    assert "slipyard.yaml line 2: there is no 'ports' here; did you mean port?" in capsys.readouterr().err


def test_services_that_wait_for_each_other_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "slipyard.yaml").write_text("services: {a: {depends_on: [b]}, b: {depends_on: [a]}}\n")
    assert run(["config", "validate", str(tmp_path / "slipyard.yaml")]) == ExitCode.REFUSED
    assert "wait for each other" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate", str(tmp_path / "other.yaml")]) == ExitCode.USAGE
    assert "There is no file" in capsys.readouterr().err


def test_the_services_and_what_does_not_count_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate", str(EXAMPLE)]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "Note: compose.yaml line 8: services.web.ports.0 does not take a port of the machine" in said
    assert "worker\tbuilt: worker\t" in said
    assert "slipyard.yaml and compose.yaml: nothing is wrong." in said


def test_programs_get_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "validate", str(EXAMPLE / "compose.yaml"), "-e", "GREETING=Hi", "--json"]) == ExitCode.DONE
    said = json.loads(capsys.readouterr().out)
    assert list(said["services"]) == ["web", "worker", "store"]
    assert said["services"]["web"]["public"] is True


def test_the_example_in_the_documentation_is_right() -> None:
    text = (CHECKOUT / "docs" / "manifest.md").read_text()
    example = re.search(r"```yaml\n(name: shop.*?)```", text, re.DOTALL)
    assert example is not None
    manifest, _ = read_slipyard_yaml(example[1])
    assert list(manifest.services) == ["worker", "store", "setup", "web"]
