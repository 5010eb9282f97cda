"""The figures of commit to live as a table and a plot, with what they were measured on."""

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "slipyard"  # the same figures give the same file

from matplotlib import pyplot as plt  # noqa: E402 - the backend comes first

ORDER = ("fetch", "snapshot", "plan", "build", "start", "probe", "switch")


class Measured(Protocol):
    slipyard: float
    straight: float
    spans: dict[str, float]

    @property
    def ratio(self) -> float: ...


def write_report(pairs: Sequence[Measured], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    spans = {name: statistics.median(pair.spans.get(name, 0.0) for pair in pairs) for name in ORDER}
    (directory / "commit_to_live.md").write_text(_table(pairs, spans))
    _plot(pairs, spans, directory / "commit_to_live.svg")


def _table(pairs: Sequence[Measured], spans: dict[str, float]) -> str:
    ours, theirs = [pair.slipyard for pair in pairs], [pair.straight for pair in pairs]
    ratios = [pair.ratio for pair in pairs]
    rest = statistics.median(ours) * 1000 - sum(spans.values())
    rows = [
        ("Slipyard: `git push` to the first answer through the router", ours, "s"),
        ("straight line: fetch, archive, the same build, create, start, first answer", theirs, "s"),
        ("ratio of each pair", ratios, ""),
    ]
    lines = [
        "# Commit to live",
        "",
        (
            f"`python -m benchmarks.commit_to_live --pairs {len(pairs)}`, {datetime.now(UTC).date()}, real Docker Engine,"
            f" BuildKit, registry, Caddy and git on {os.cpu_count()} cores ({platform.machine()}), other work on the machine."
        ),
        "One file changed in `examples/hello-python`, warm cache, alternated. The plot shows every pair.",
        "",
        "| | least | median | most |",
        "|---|---|---|---|",
        *(
            f"| {name} | {min(v):.3f} {u} | **{statistics.median(v):.3f} {u}** | {max(v):.3f} {u} |"
            for name, v, u in rows
        ),
        "",
        "Where the time went (medians, ms):",
        "",
        "| " + " | ".join((*ORDER, "rest")) + " |",
        "|" + "---|" * (len(ORDER) + 1),
        "| " + " | ".join(f"{value:.0f}" for value in (*spans.values(), rest)) + " |",
        "",
        (
            "*rest* is what no span covers: the git client and its three requests, two wake-ups, the transactions, and the"
            " router's first answer."
        ),
        "",
        "![every pair and the spans](commit_to_live.svg)",
        "",
    ]
    return "\n".join(lines)


def _plot(pairs: Sequence[Measured], spans: dict[str, float], path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), gridspec_kw={"width_ratios": [3, 2]})
    numbers = range(1, len(pairs) + 1)
    left.plot(numbers, [pair.slipyard for pair in pairs], "o-", label="Slipyard")
    left.plot(numbers, [pair.straight for pair in pairs], "s--", label="straight line")
    left.set(xlabel="pair", ylabel="seconds to the first answer", ylim=(0, None), title="Each pair")
    left.legend()
    right.barh(list(spans), list(spans.values()))
    right.invert_yaxis()
    right.set(xlabel="milliseconds (median)", title="Slipyard's spans")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
