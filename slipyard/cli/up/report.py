"""What `up` tells whoever started it: on the terminal, or through a pipe to the launching process of `--detach`."""

import json
import os
import sys
from dataclasses import dataclass
from typing import Literal

Kind = Literal["step", "ready", "failed"]


@dataclass(frozen=True)
class Note:
    kind: Kind
    text: str
    details: tuple[str, ...] = ()

    def encode(self) -> bytes:
        return json.dumps({"kind": self.kind, "text": self.text, "details": self.details}).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Note":
        fields = json.loads(line)
        return cls(fields["kind"], fields["text"], tuple(fields["details"]))


class Report:
    """`descriptor` None: notes are printed here."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    @property
    def is_private(self) -> bool:
        """Whether a person reads along: a link that lets somebody in does not belong into a log."""
        return self._descriptor is not None or sys.stdout.isatty()

    def step(self, text: str) -> None:
        self._tell(Note("step", text))

    def ready(self, text: str, *details: str) -> None:
        self._tell(Note("ready", text, details))

    def failed(self, text: str, *details: str) -> None:
        self._tell(Note("failed", text, details))

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _tell(self, note: Note) -> None:
        if self._descriptor is None:
            print_note(note)
            return
        try:
            os.write(self._descriptor, note.encode())
        except BrokenPipeError:
            return  # the launching process was interrupted; the log has it all


def print_note(note: Note) -> None:
    mark = {"step": "  ", "ready": "", "failed": "slipyard: "}[note.kind]
    print(f"{mark}{note.text}", flush=True)
    for line in note.details:
        print(f"  {line}", flush=True)
