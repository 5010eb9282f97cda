"""Notifications by the library Apprise, in a process of its own.

It costs 47 MiB and most of a second to import, so no part of Slipyard imports it. The process lives for one message; it
connects only to addresses that the network rules allow, starts nothing, and is killed at the deadline.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slipyard
from slipyard.domain.errors import SourceRefused, Unavailable
from slipyard.domain.network_rules import Network

_CHILD = "slipyard.clients.apprise_child"
_OURS = str(Path(slipyard.__file__).parent.parent)  # and never what lies in the directory where we run
_SECONDS = 60.0
_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
REFUSED, NOT_TAKEN = "refused", "not_taken"


async def check_apprise_url(url: str) -> None:
    """`SourceRefused` for what is no URL of a service that Apprise knows. Nothing is sent."""
    await _run({"url": url})


async def send_by_apprise(url: str, title: str, body: str, networks: Sequence[Network]) -> None:
    """One attempt. The URL is a secret: it goes through standard input and stands in no error."""
    await _run({"url": url, "title": title, "body": body, "networks": [str(network) for network in networks]})


async def _run(asked: dict[str, Any]) -> None:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONPATH": _OURS}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", _CHILD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            answer, _ = await child.communicate(json.dumps(asked).encode())
    except TimeoutError as error:
        raise Unavailable(f"The service did not answer within {_SECONDS:g} s. It is tried again.") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    _judge(answer)


def _judge(answer: bytes) -> None:
    try:
        said = json.loads(answer)
        outcome, reason = said["outcome"], str(said["reason"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("Apprise broke before it could say why. It is tried again.") from error
    if outcome == REFUSED:
        raise SourceRefused(reason)
    if outcome == NOT_TAKEN:
        raise Unavailable(reason)
