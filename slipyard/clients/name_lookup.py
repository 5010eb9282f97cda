"""Asking the name server, in threads of its own: one that does not answer must not take those that the database needs."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from slipyard.domain.network_rules import Address

_threads = ThreadPoolExecutor(8, thread_name_prefix="name-lookup")


async def look_up(host: str, port: int) -> list[Address]:
    """Every address of a name, each once. `socket.gaierror` as getaddrinfo(3) says it."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_threads, _ask, host, port)
    return list(dict.fromkeys(found))


def _ask(host: str, port: int) -> list[Address]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]
