"""A report of medians against a measure taken in the same run: a table, the spans, and a plot of every value."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib as mpl

from benchmarks.measured_where import where

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "slipyard"  # the same figures give the same file

from matplotlib import pyplot as plt  # noqa: E402 - the backend comes first

Values = Sequence[float]


@dataclass(frozen=True)
class Compared:
    """`values` and `against`, milliseconds, were taken in pairs: the nth beside the nth."""

    what: str
    values: Values
    against: Values

    @property
    def ratio(self) -> float:
        return statistics.median(value / other for value, other in zip(self.values, self.against, strict=True))


@dataclass(frozen=True)
class Figures:
    """`measure` says what the ratio is against; `notes` are sentences under the table."""

    name: str
    title: str
    command: str
    measure: str
    rows: Sequence[Compared]
    notes: Sequence[str] = ()
    spans: Mapping[str, float] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{self.name}.md").write_text(self._text())
        self._plot(directory / f"{self.name}.svg")

    def _text(self) -> str:
        spans = ", ".join(f"{name} {value:.0f}" for name, value in self.spans.items())
        return "\n".join(
            [
                f"# {self.title}",
                "",
                f"`{self.command}`, {where()}",
                f"Milliseconds, alternated; the ratio is the median of the pairs', against {self.measure}.",
                "",
                "| | least | median | most | ratio |",
                "|---|---|---|---|---|",
                *(_line(row) for row in self.rows),
                "",
                *self.notes,
                *([f"Medians of the spans: {spans}."] if spans else []),
                "",
                f"![every value]({self.name}.svg)",
                "",
            ]
        )

    def _plot(self, path: Path) -> None:
        figure, axes = plt.subplots(figsize=(9, 1.2 + 0.55 * len(self.rows)))
        for place, row in enumerate(self.rows):
            axes.plot(row.values, [place] * len(row.values), "o", alpha=0.5)
            axes.plot(statistics.median(row.values), place, "|", markersize=22, color="black")
        axes.set_yticks(range(len(self.rows)), [row.what for row in self.rows])
        axes.invert_yaxis()
        axes.set(xlabel="milliseconds; the bar is the median", xlim=(0, None), title=self.title)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def median_spans(taken: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in taken for name in each)
    return {name: statistics.median(each.get(name, 0.0) for each in taken) for name in names}


def _line(row: Compared) -> str:
    least, middle, most = min(row.values), statistics.median(row.values), max(row.values)
    digits = 0 if middle >= 10 else 2  # small ones need them
    return f"| {row.what} | {least:.{digits}f} | **{middle:.{digits}f}** | {most:.{digits}f} | {row.ratio:.2f} |"
