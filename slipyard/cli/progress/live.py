"""The view on a terminal: a step a line with its time; what is over scrolls up, what runs stays below and counts."""

import time
from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from slipyard.cli.progress.steps import Step, Steps

_TIME_WIDTH = 8
_REFRESH_PER_SECOND = 10


class LiveView:
    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(highlight=False)
        self._clock = clock
        self._steps = Steps()
        self._status: tuple[str, float] | None = None
        self._live = Live(self, console=self._console, refresh_per_second=_REFRESH_PER_SECOND, transient=True)
        self._live.start()

    def build_line(self, line: str) -> None:
        step = self._steps.read(line, self._clock())
        if step is None:
            self._say(Text(line, style="dim"))
        elif step.over:
            self._say(self._finished(step))

    def rollout_line(self, line: str) -> None:
        self._say(Text(line))

    def status(self, word: str) -> None:
        self._status = (word, self._clock())
        self._live.refresh()

    def close(self) -> None:
        self._status = None
        self._live.stop()
        for step in self._steps.failed():
            for line in step.output:
                self._console.print(Text(f"{'':{_TIME_WIDTH}}  {line}", style="red"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The part that stays below: it is drawn anew several times a second."""
        now = self._clock()
        for step in self._steps.running():
            yield self._row(step.name, now - step.began, "cyan", options.max_width)
            if step.output:
                yield _cut(Text(f"{'':{_TIME_WIDTH}}  {step.output[-1]}", style="dim"), options.max_width)
        if self._status is not None and not self._steps.running():
            word, since = self._status
            yield self._row(word, now - since, "cyan", options.max_width)

    def _finished(self, step: Step) -> Text:
        if step.error is not None:
            return Text(f"{'failed':>{_TIME_WIDTH}}  {step.name}: {step.error}", style="red")
        if step.cached:
            return Text(f"{'cached':>{_TIME_WIDTH}}  {step.name}", style="dim")
        return Text(f"{_seconds(step.seconds or 0.0)}  {step.name}")

    def _row(self, name: str, seconds: float, style: str, width: int) -> Text:
        return _cut(Text(f"{_seconds(seconds)}  {name}", style=style), width)

    def _say(self, text: Text) -> None:
        self._live.console.print(text)


def _seconds(seconds: float) -> str:
    return f"{seconds:{_TIME_WIDTH - 1}.1f}s"


def _cut(text: Text, width: int) -> Text:
    """One line: a wrapped one would make the live part jump."""
    text.truncate(width, overflow="ellipsis")
    text.no_wrap = True
    return text
