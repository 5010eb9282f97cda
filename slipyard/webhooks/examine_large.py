"""A large body is hashed and parsed by a process of its own: in ours, `json.loads` would hold every other request up.

It costs a third of a second and gives its memory back. `python -m slipyard.webhooks.examine_large` is that process: the
claim on its standard input, the body in the file whose descriptor it inherits, the result on its standard output.
"""

import asyncio
import base64
import json
import mmap
import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slipyard.domain.errors import SystemFault, Unauthorized, UserError
from slipyard.domain.hook import HookSettings
from slipyard.webhooks.body import Spooled
from slipyard.webhooks.examine import Claim, Examined, examine
from slipyard.webhooks.providers import provider_named

_CHECKOUT = Path(__file__).resolve().parents[2]
_MEMORY = 1536 * 1024 * 1024  # bytes: 25 MB of the emptiest JSON objects take two thirds of it
_CPU_SECONDS = 20
_NICENESS = 10  # small deliveries go first
_UNREADABLE = "This delivery is too large or too deep to be read. Send less at once."


async def examine_large(claim: Claim, body: Spooled) -> Examined:
    """As `examine`, and `UserError` for what takes more memory or time to read than any provider's message."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        pass_fds=(body.descriptor,),
        env={"PYTHONPATH": str(_CHECKOUT)},
    )
    try:
        answer, _ = await child.communicate(_asked(claim, body))
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise UserError(_UNREADABLE)
    if child.returncode:
        raise SystemFault(f"The process that reads large deliveries ended with {child.returncode}. See the log.")
    return _answered(json.loads(answer))


def _asked(claim: Claim, body: Spooled) -> bytes:
    return json.dumps(
        {
            "provider": claim.provider.name,
            "settings": claim.settings.model_dump(mode="json"),
            "headers": dict(claim.headers),
            "secret": base64.b64encode(claim.secret).decode(),
            "descriptor": body.descriptor,
        }
    ).encode()


def _answered(answer: dict[str, Any]) -> Examined:
    if "unauthorized" in answer:
        raise Unauthorized(answer["unauthorized"])
    if "refused" in answer:
        raise UserError(answer["refused"])
    return Examined(**answer | {"body": base64.b64decode(answer["body"])})


def _main() -> None:
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    asked = json.load(sys.stdin)
    json.dump(_examined(asked), sys.stdout)


def _examined(asked: dict[str, Any]) -> dict[str, Any]:
    claim = Claim(
        provider_named(asked["provider"]),
        HookSettings.model_validate(asked["settings"]),
        asked["headers"],
        base64.b64decode(asked["secret"]),
    )
    try:
        with mmap.mmap(asked["descriptor"], 0, access=mmap.ACCESS_READ) as body:
            found = examine(claim, body[:])
    except Unauthorized as error:
        return {"unauthorized": error.message}
    except UserError as error:
        return {"refused": error.message}
    except MemoryError:
        return {"refused": _UNREADABLE}
    return asdict(found) | {"body": base64.b64encode(found.body).decode()}


if __name__ == "__main__":
    _main()
