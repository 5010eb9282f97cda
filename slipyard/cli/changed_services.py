"""What commands that change services end with: what starts anew and what runs on, then its outcome."""

import sys
from typing import Any

from slipyard.cli.client import Client
from slipyard.cli.output import print_json
from slipyard.cli.progress.watch import watch_deployment


def conclude(client: Client, app: str, change: dict[str, Any], *, detach: bool, as_json: bool) -> None:
    """With `as_json` the change is printed, and nothing followed."""
    follow = change["deployment_id"] and not detach and not as_json
    if as_json:
        print_json(change)
    else:
        print(change["message"], file=sys.stderr if follow else sys.stdout)
    if follow:
        watch_deployment(client, app, change["deployment_id"], as_json=False)
