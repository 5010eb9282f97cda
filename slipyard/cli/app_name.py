"""Which app a command is about: what was typed, the manifest, or the git remote `slipyard` of this directory."""

import re
import subprocess
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from slipyard.cli.failure import WrongUsage

MANIFEST = "slipyard.yaml"
_REMOTE = "slipyard"
_APP_IN_URL = re.compile(r"/git/([^/]+?)(?:\.git)?/?$")


def app_or_fail(given: str | None, directory: Path | None = None) -> str:
    name = given or find_app_name(directory or Path.cwd())
    if name is None:
        raise WrongUsage(
            f"Which app? Name it, or put `name: my-app` into {MANIFEST} here, or add its git remote with"
            f" `git remote add {_REMOTE} URL`."
        )
    return name


def find_app_name(directory: Path) -> str | None:
    return _from_manifest(directory / MANIFEST) or _from_remote(directory)


def _from_manifest(path: Path) -> str | None:
    try:
        content = YAML(typ="safe").load(path.read_text())
    except OSError:
        return None
    except (YAMLError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} is not valid YAML: {str(error).splitlines()[0]}. Mend it, or name the app.") from None
    name = content.get("name") if isinstance(content, dict) else None
    return name if isinstance(name, str) else None


def _from_remote(directory: Path) -> str | None:
    try:
        command = ["git", "-C", str(directory), "remote", "get-url", _REMOTE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _APP_IN_URL.search(done.stdout.strip())
    return found.group(1) if done.returncode == 0 and found else None
