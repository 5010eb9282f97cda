"""Finding out before anything starts that somebody else has our ports."""

import errno
import socket

from slipyard.domain.errors import Conflict, UserError


def require_free(host: str, port: int, *, setting: str, purpose: str) -> None:
    """`Conflict` where another program listens, `UserError` where we may not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            raise _refusal(error, host, port, setting, purpose) from None


def _refusal(error: OSError, host: str, port: int, setting: str, purpose: str) -> UserError:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"Another program already listens on {host}:{port}, which {purpose} needs. Stop that program, or set"
            f" {setting} to a free port."
        )
    if error.errno == errno.EACCES:
        return UserError(
            f"This user may not listen on {host}:{port}, which {purpose} needs. Run Slipyard as root, lower"
            f" net.ipv4.ip_unprivileged_port_start, or set {setting} to a port above 1023."
        )
    return UserError(f"{purpose} cannot listen on {host}:{port}: {error.strerror}. Set {setting} to another value.")
