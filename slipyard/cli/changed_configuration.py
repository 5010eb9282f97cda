"""What commands that change variables or secrets end with: what restarts, then its outcome."""

import sys
from typing import Any

from slipyard.cli.client import Client
from slipyard.cli.output import print_json
from slipyard.cli.progress.watch import watch_deployment


def conclude(client: Client, app: str, change: dict[str, Any], *, detach: bool, as_json: bool) -> None:
    """`change` is a ConfigChanged of the API. With `as_json` it is printed before anything is followed."""
    if as_json:
        print_json(change)
    else:
        print(change["message"], file=sys.stdout if detach or not change["deployment_id"] else sys.stderr)
    if change["deployment_id"] and not detach and not as_json:
        watch_deployment(client, app, change["deployment_id"], as_json=False)
