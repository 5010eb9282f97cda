"""The daemon's status messages as Progress values, and the last output of each step."""

from collections.abc import Callable
from dataclasses import replace

from google.protobuf.timestamp_pb2 import Timestamp

from slipyard.builder.buildkit.protocol.control_pb2 import StatusResponse, Vertex, VertexLog, VertexWarning
from slipyard.builder.image_build import Progress, Step, StepOutput, StepWarning

TAIL_BYTES = 16 * 1024
TAIL_LINES = 40


class ProgressWatch:
    """Numbers steps from 1 in the order of their first appearance; says nothing twice."""

    def __init__(self, progress: Callable[[Progress], None]) -> None:
        self._progress = progress
        self._numbers: dict[str, int] = {}
        self._steps: dict[str, Step] = {}
        self._tails: dict[str, bytes] = {}

    def take(self, response: StatusResponse) -> None:
        """Beginnings, then output, then endings: one message may hold all three of a step."""
        for vertex in response.vertexes:
            self._begin(vertex)
        for log in response.logs:
            self._output(log)
        for warning in response.warnings:
            self._warn(warning)
        for vertex in response.vertexes:
            self._say(vertex.digest, self._step(vertex))

    def failed_step(self, digest: str = "") -> Step | None:
        """The step that an error names, else the last one that failed by itself."""
        failed = [step for step in self._steps.values() if step.error and "context canceled" not in step.error]
        return self._steps.get(digest) or (failed[-1] if failed else None)

    def tail(self, step: Step | None) -> list[str]:
        digest = next((name for name, number in self._numbers.items() if step and number == step.number), "")
        text = self._tails.get(digest, b"").decode("utf-8", "replace")
        lines = text.removesuffix("\n").split("\n") if text else []
        return [line.rstrip("\r").rpartition("\r")[2] for line in lines[-TAIL_LINES:]]

    def _begin(self, vertex: Vertex) -> None:
        beginning = _only_begun(self._step(vertex))
        said = self._steps.get(vertex.digest)
        if said is None or _only_begun(said) != beginning:
            self._say(vertex.digest, beginning)

    def _output(self, log: VertexLog) -> None:
        self._tails[log.vertex] = (self._tails.get(log.vertex, b"") + log.msg)[-TAIL_BYTES:]
        number = self._number(log.vertex)
        self._progress(StepOutput(number, log.stream, log.msg, at=log.timestamp.ToNanoseconds() / 1e9))

    def _warn(self, warning: VertexWarning) -> None:
        line = warning.ranges[0].start.line if warning.ranges else 0
        location = f"{warning.info.filename}:{line}" if line else warning.info.filename
        message = warning.short.decode("utf-8", "replace")
        self._progress(StepWarning(self._number(warning.vertex), message, location))

    def _say(self, digest: str, step: Step) -> None:
        if self._steps.get(digest) != step:
            self._steps[digest] = step
            self._progress(step)

    def _step(self, vertex: Vertex) -> Step:
        return Step(
            number=self._number(vertex.digest),
            name=vertex.name,
            started_at=_seconds(vertex.started) if vertex.HasField("started") else None,
            completed_at=_seconds(vertex.completed) if vertex.HasField("completed") else None,
            cached=vertex.cached,
            error=vertex.error,
        )

    def _number(self, digest: str) -> int:
        return self._numbers.setdefault(digest, len(self._numbers) + 1)


def _only_begun(step: Step) -> Step:
    return replace(step, completed_at=None, cached=False, error="")


def _seconds(moment: Timestamp) -> float:
    return moment.ToNanoseconds() / 1e9
