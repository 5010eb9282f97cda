"""What a view of a deployment under way can be told."""

import sys
from typing import Protocol


class View(Protocol):
    def build_line(self, line: str) -> None: ...

    def rollout_line(self, line: str) -> None: ...

    def status(self, word: str) -> None: ...

    def close(self) -> None: ...


class PlainView:
    """Every line as it comes: for pipes, logs of CI systems, and files."""

    def build_line(self, line: str) -> None:
        print(line, flush=True)

    def rollout_line(self, line: str) -> None:
        print(line, flush=True)

    def status(self, word: str) -> None:
        print(f"status: {word}", flush=True)

    def close(self) -> None:
        sys.stdout.flush()


class SilentView:
    """For `--json`: only the outcome is printed."""

    def build_line(self, line: str) -> None: ...

    def rollout_line(self, line: str) -> None: ...

    def status(self, word: str) -> None: ...

    def close(self) -> None: ...
