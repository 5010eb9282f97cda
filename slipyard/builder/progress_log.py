"""Progress as the text of a build log, in the style of BuildKit's own plain output."""

import codecs
from dataclasses import dataclass, field

from slipyard.builder.image_build import Progress, Step, StepOutput, StepWarning

# A program that never ends its line must not fill the memory; what is longer is broken here.
PARTIAL_LIMIT = 64 * 1024


class ProgressLog:
    """`#6 [2/4] RUN pip install ...`, `#6 0.512 Collecting flask`, `#6 DONE 2.3s`: one call, some finished lines."""

    def __init__(self) -> None:
        self._steps: dict[int, _StepLog] = {}

    def lines(self, progress: Progress) -> list[str]:
        """What can be said now, without line ends. A line that is not complete waits for its rest or the step's end."""
        step = self._steps.get(progress.number) or self._steps.setdefault(progress.number, _StepLog(progress.number))
        if isinstance(progress, StepOutput):
            return step.output(progress)
        return step.change(progress) if isinstance(progress, Step) else [step.warning(progress)]

    def rest(self) -> list[str]:
        """Of lines that were never completed, when the build is over."""
        return [line for step in self._steps.values() for line in step.rest()]


@dataclass
class _StepLog:
    number: int
    named: bool = False
    open: bool = False
    started_at: float | None = None
    said_at: float = 0.0
    streams: dict[int, "_Lines"] = field(default_factory=dict)

    def output(self, output: StepOutput) -> list[str]:
        stream = self.streams.get(output.stream) or self.streams.setdefault(output.stream, _Lines())
        if output.at is not None and self.started_at is not None:
            self.said_at = max(output.at - self.started_at, 0.0)
        prefix = f"#{self.number} {self.said_at:.3f} "
        return [prefix + line for line in stream.add(output.data)]

    def change(self, step: Step) -> list[str]:
        if step.started_at is None and not step.cached and not step.error:
            return []
        said = self._name(step)
        if step.started_at is not None and step.completed_at is None and step.started_at != self.started_at:
            self.started_at, self.open = step.started_at, True
        return said + self.rest() + self._end(step)

    def warning(self, warning: StepWarning) -> str:
        place = f" ({warning.location})" if warning.location else ""
        return f"#{self.number} WARN: {warning.message}{place}"

    def rest(self) -> list[str]:
        prefix = f"#{self.number} {self.said_at:.3f} "
        return [prefix + line for stream in self.streams.values() for line in stream.rest()]

    def _name(self, step: Step) -> list[str]:
        if self.named:
            return []
        self.named = self.open = True
        return [f"#{self.number} {step.name}"]

    def _end(self, step: Step) -> list[str]:
        """Once for each time that the step began: some steps run in several parts."""
        if not self.open or not (step.completed_at or step.cached or step.error):
            return []
        self.open = False
        if step.error:
            return [f"#{self.number} ERROR: {step.error}"]
        if step.cached:
            return [f"#{self.number} CACHED"]
        return [f"#{self.number} DONE {max((step.completed_at or 0.0) - (step.started_at or 0.0), 0.0):.1f}s"]


class _Lines:
    """Bytes in, whole lines out. Of what a carriage return overwrites, the last state stays."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._partial = ""

    def add(self, data: bytes) -> list[str]:
        text = self._partial + self._decode(data)
        lines = text.split("\n")
        self._partial = lines.pop()
        if "\r" in text:
            lines = [_last_state(line) for line in lines]
            self._partial = _without_overwritten(self._partial)
        if len(self._partial) > PARTIAL_LIMIT:
            lines.append(self._partial)
            self._partial = ""
        return lines

    def rest(self) -> list[str]:
        line = _last_state(self._partial + self._decode(b"", final=True))
        self._partial = ""
        return [line] if line else []


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _without_overwritten(partial: str) -> str:
    """Keeps the ends of the line, because a line feed may still come."""
    kept = _last_state(partial)
    return f"{kept}\r" if partial.endswith("\r") else kept
