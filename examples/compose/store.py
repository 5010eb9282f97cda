"""As much of Redis' protocol as this needs."""

import os
import socket


def ask(*words: str) -> str:
    """The answer of the store, without what says its kind; empty where there is none."""
    with socket.create_connection((os.environ["STORE"], 6379), timeout=5) as connection:
        parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        connection.sendall(f"*{len(words)}\r\n{parts}".encode())
        answer = connection.makefile("rb")
        first = answer.readline().decode().strip()
        if first.startswith("-"):
            raise OSError(first[1:])
        if not first.startswith("$"):
            return first[1:]
        return "" if first == "$-1" else answer.readline().decode().strip()
