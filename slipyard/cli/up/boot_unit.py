"""The systemd unit of an installation, made by scripts/up: it must not start again what `down` ends."""

import os
import shutil
import subprocess
from pathlib import Path

from slipyard.domain.errors import Unavailable
from slipyard.domain.layout import Layout

_UNITS = Path("/etc/systemd/system")
_SECONDS = 120


def boot_units(layout: Layout, directory: Path = _UNITS) -> list[Path]:
    """Units that start this installation, by the directory that they name."""
    if shutil.which("systemctl") is None:
        return []
    mine = f'SLIPYARD_HOME={layout.home}"'
    return [path for path in sorted(directory.glob("slipyard*.service")) if mine in path.read_text()]


def stop_boot_units(layout: Layout) -> None:
    """Not from inside the unit itself, where systemd is the one that ends us."""
    if "INVOCATION_ID" not in os.environ:
        for path in boot_units(layout):
            _systemctl("stop", path.name)


def remove_boot_units(layout: Layout) -> bool:
    """False where there is none."""
    units = boot_units(layout)
    for path in units:
        _systemctl("disable", path.name)
        path.unlink()
    if units:
        _systemctl("daemon-reload")
    return bool(units)


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        command = f"systemctl {' '.join(arguments)}"
        raise Unavailable(f"`{command}` failed: {done.stderr.strip()} Call it as root, then try again.")
