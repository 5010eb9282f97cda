"""The log of a build, read to its end or followed."""

import sys

from slipyard.cli.client import Client
from slipyard.cli.events import follow
from slipyard.cli.progress.live import LiveView
from slipyard.cli.progress.view import PlainView


def print_build_log(client: Client, path: str) -> None:
    text = client.text(path)
    print(text, end="" if text.endswith("\n") else "\n")


def follow_build_log(client: Client, path: str) -> None:
    view = LiveView() if sys.stdout.isatty() else PlainView()
    try:
        for event in follow(client, path):
            if event.kind != "done":
                for line in event.data.split("\n"):
                    view.build_line(line)
    finally:
        view.close()
