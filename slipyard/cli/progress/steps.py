"""The steps of a build, read from its log: the form is that of BuildKit's plain output."""

import re
from collections import deque
from dataclasses import dataclass, field

_LINE = re.compile(r"#(\d+) (.*)")
_DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")
_OUTPUT = re.compile(r"\d+\.\d+ (.*)")
_KEPT_LINES = 12


@dataclass
class Step:
    number: int
    name: str
    began: float
    seconds: float | None = None  # how long it took, where it is over and the log says so
    cached: bool = False
    error: str | None = None
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    @property
    def over(self) -> bool:
        return self.seconds is not None or self.cached or self.error is not None


class Steps:
    def __init__(self) -> None:
        self._steps: dict[int, Step] = {}

    def read(self, line: str, now: float) -> Step | None:
        """The step that the line is about, changed by it; None for a line that is about none."""
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        number, said = int(found.group(1)), found.group(2)
        step = self._steps.get(number)
        if step is None:
            self._steps[number] = step = Step(number, said, now)
            return step
        _hear(step, said)
        return step

    def running(self) -> list[Step]:
        return [step for step in self._steps.values() if not step.over]

    def failed(self) -> list[Step]:
        return [step for step in self._steps.values() if step.error is not None]


def _hear(step: Step, said: str) -> None:
    if said == "CACHED":
        step.cached = True
    elif done := _DONE.fullmatch(said):
        step.seconds = float(done.group(1))
    elif said.startswith("ERROR: "):
        step.error = said.removeprefix("ERROR: ")
    else:
        output = _OUTPUT.fullmatch(said)
        step.output.append(output.group(1) if output else said)
