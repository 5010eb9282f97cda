"""Sockets that listen for another program. We keep them: whoever connects while it starts again waits instead of being refused."""

import errno
import fcntl
import os
import socket
from collections.abc import Mapping

_BACKLOG = 4096
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
_ABOVE_ALL_TARGETS = 64


class ListeningSockets:
    """`ports` by the numbers that the program finds them under; a port under two numbers is one socket."""

    def __init__(self, ports: Mapping[int, int]) -> None:
        self._ports = dict(ports)
        self._sockets: dict[int, socket.socket] = {}

    @property
    def description(self) -> str:
        return repr(sorted(self._ports.items()))

    @property
    def ports(self) -> dict[int, int]:
        return dict(self._ports)

    @property
    def by_port(self) -> dict[int, int]:
        """Our descriptors, for `take` in the process that this one becomes."""
        return dict(self._by_port())

    def take(self, descriptors: Mapping[int, int]) -> None:
        self._sockets = {port: socket.socket(fileno=descriptor) for port, descriptor in descriptors.items()}

    @property
    def held(self) -> list[int]:
        """Our own descriptors, which no other child may keep."""
        return [listening.fileno() for listening in self._sockets.values()]

    def open(self) -> None:
        """A port that somebody else has is tried again at the next start, and `pass_on` says so."""
        for port in {*self._ports.values()} - self._sockets.keys():
            try:
                self._sockets[port] = _listening(port)
            except OSError:
                continue

    def pass_on(self) -> None:
        """In the child, right before it becomes the program. `OSError` where a port was not to be had."""
        missing = {*self._ports.values()} - self._sockets.keys()
        if missing:
            raise OSError(f"another program listens on port {min(missing)}, or this user may not")
        # Ours may sit on the numbers of others: first all of them move away.
        moved = {port: fcntl.fcntl(held, fcntl.F_DUPFD_CLOEXEC, _ABOVE_ALL_TARGETS) for port, held in self._by_port()}
        for number, port in self._ports.items():
            os.dup2(moved[port], number)

    def close(self) -> None:
        while self._sockets:
            self._sockets.popitem()[1].close()

    def _by_port(self) -> list[tuple[int, int]]:
        return [(port, listening.fileno()) for port, listening in self._sockets.items()]


def _listening(port: int) -> socket.socket:
    """For IPv6 and IPv4 alike where the machine has both."""
    try:
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
    except ValueError:
        pass
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    return socket.create_server(("", port), backlog=_BACKLOG)
