"""A systemd unit for each installation: after a reboot of the machine everything comes back by itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from slipyard.domain.errors import Unavailable, UserError
from slipyard.domain.layout import Layout

_UNITS = Path("/etc/systemd/system")
_SECONDS = 30


def unit_path(installation_id: str) -> Path:
    return _UNITS / f"slipyard-{installation_id}.service"


def unit_text(layout: Layout, *, public: bool) -> str:
    """`KillMode=process`: redis, registry and Caddy outlive a restart of the unit, as they outlive `slipyard down`."""
    passed_on = {name: value for name, value in sorted(os.environ.items()) if _is_setting(name)}
    environment = [f'Environment="{name}={_escaped(value)}"' for name, value in passed_on.items()]
    lines = [
        "[Unit]",
        f"Description=Slipyard ({layout.home})",
        "After=network-online.target docker.service",
        "Wants=network-online.target",
        "",
        "[Service]",
        "Type=notify",
        f"ExecStart={sys.executable} -m slipyard.cli up{' --public' if public else ''}",
        f'Environment="SLIPYARD_HOME={_escaped(str(layout.home))}"',
        f'Environment="PATH={_escaped(os.environ.get("PATH", os.defpath))}"',
        *environment,
        "KillMode=process",
        "TimeoutStopSec=90",
        "Restart=always",
        "RestartSec=1",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def install_boot_unit(layout: Layout, installation_id: str, *, public: bool) -> Path:
    """Needs root and systemd."""
    if shutil.which("systemctl") is None or not _UNITS.is_dir():
        raise Unavailable("There is no systemd on this machine. Start `slipyard up --detach` by what it has instead.")
    path = unit_path(installation_id)
    try:
        path.write_text(unit_text(layout, public=public))
    except PermissionError:
        raise UserError(f"This user may not write {path}. Call it again as root.") from None
    _systemctl("daemon-reload")
    _systemctl("enable", path.name)
    return path


def remove_boot_unit(installation_id: str) -> bool:
    """False where there is none."""
    path = unit_path(installation_id)
    if not path.exists():
        return False
    _systemctl("disable", path.name)
    path.unlink()
    _systemctl("daemon-reload")
    return True


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        raise Unavailable(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}. Run it by hand to see why.")


def _is_setting(name: str) -> bool:
    """A unit file can be read by everybody: secrets stay in settings.toml of the data directory."""
    secret = ("PASSWORD", "TOKEN", "SECRET", "DATABASE_URL", "REDIS_URL")
    return name.startswith("SLIPYARD_") and name != "SLIPYARD_HOME" and not name.endswith(secret)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
