"""A text, changed by a person in the editor of their choice."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from slipyard.cli.failure import WrongUsage

_USUAL = "vi"


def edit_text(text: str, suffix: str) -> str:
    """What was saved. The file is its owner's alone, and gone afterwards."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _USUAL
    with tempfile.TemporaryDirectory(prefix="slipyard-") as directory:
        file = Path(directory) / f"edited{suffix}"
        file.write_text(text)
        try:
            ended = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
        except OSError as error:
            raise WrongUsage(f"The editor {editor!r} cannot be started: {error.strerror}. Set EDITOR.") from None
        if ended != 0:
            raise WrongUsage(f"The editor {editor!r} ended with {ended}, so nothing is changed.")
        return file.read_text()
