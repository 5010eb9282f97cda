"""A build log as a person at `git push` wants it: steps with their times, warnings, and the last lines of what failed."""

import re
from collections import deque
from dataclasses import dataclass, field

_LINE = re.compile(r"#(?P<step>\d+) (?P<rest>.*)")
_OUTPUT = re.compile(r"\d+\.\d{3} (?P<text>.*)")
_DONE = re.compile(r"DONE (?P<time>[0-9.]+s)")
_LAST_LINES = 30
_LONGEST = 200


@dataclass
class _Step:
    name: str
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))

    @property
    def matters(self) -> bool:
        return not self.name.startswith("[internal]")


class CondensedBuild:
    """Takes the lines of a build log in BuildKit's plain style; others pass as they are."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}

    def lines(self, text: str) -> list[str]:
        return [shown[:_LONGEST] for line in text.split("\n") for shown in self._shown(line)]

    def _shown(self, line: str) -> list[str]:
        found = _LINE.fullmatch(line)
        if found is None:
            return [line] if line.strip() else []
        number, rest = found["step"], found["rest"]
        if number not in self._steps:
            self._steps[number] = _Step(rest)
            return []
        return self._of_step(self._steps[number], rest)

    def _of_step(self, step: _Step, rest: str) -> list[str]:
        output = _OUTPUT.fullmatch(rest)
        if output is not None:
            step.output.append(output["text"])
            return []
        if rest.startswith("ERROR"):
            return [f"  {step.name}", *(f"  | {line}" for line in step.output), f"  {rest}"]
        if rest.startswith("WARN"):
            return [f"  {rest}"]
        done = _DONE.fullmatch(rest)
        time = done["time"] if done else rest.lower()
        return [f"  {step.name}  {time}"] if step.matters else []
