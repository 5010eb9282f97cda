"""The reference of settings is whole: what can be set is written down, with its default."""

from pathlib import Path

import pytest

from slipyard.domain.settings import Settings

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "settings.md"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_reference(name: str) -> None:
    field = Settings.model_fields[name]
    (line,) = [line for line in REFERENCE.read_text().splitlines() if f"`SLIPYARD_{name.upper()}`" in line]

    assert len(line.split("|")[3].strip()) > 5, "it says what it means"
    if field.default_factory is None and field.default is not None:
        assert f"`{field.default}`" in line
