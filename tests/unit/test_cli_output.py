"""What people read of one thing: its fields, styled or not, without those that are empty."""

import pytest
from rich.text import Text

from slipyard.cli.output import print_fields


def test_empty_fields_are_left_out_and_styled_ones_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields([("App", "shop"), ("Status", Text("running", style="green")), ("Error", None), ("Note", "")])

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["App", "shop"], ["Status", "running"]]
