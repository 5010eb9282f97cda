"""What measuring costs: one pass over simulated control groups, beside reading the same files bare, and a step with its writing.

`python -m benchmarks.metrics`; writes docs/benchmarks/metrics.md. No engine is asked: a call would be counted.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.measured_where import where
from slipyard.clients.control_groups import ControlGroups
from slipyard.domain.usage import Consumed, Usage
from slipyard.pipeline.observing.count_requests import RequestCount
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.writer import SeriesWriter

BEGIN = 1_800_000_000
_NET = "\n\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 1300 17 0 0 0 0 0 0 182 3 0 0 0 0 0 0\n"
_STAT = "".join(f"{name} 123456\n" for name in ("cache", "rss", "mapped_file", "pgpgin", "pgpgout", "active_file"))
_LINE = {
    "level": "info",
    "ts": 1795532767.9188938,
    "logger": "http.log.access.access",
    "msg": "handled request",
    "request": {"method": "GET", "host": "shop.localhost", "uri": "/", "headers": {"User-Agent": ["x" * 200]}},
    "duration": 0.000639061,
    "size": 4,
    "status": 200,
    "resp_headers": {"Content-Type": ["text/html"], "Date": ["Tue, 24 Nov 2026 15:06:07 GMT"]},
    "upstream": "10.246.0.3:3000",
    "app": "app_01m871epe24epzse6v8rabp41q",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="slipyard-benchmark-") as directory:
        rows = [
            _containers(Path(directory) / f"{version}-{count}", version, count, rounds)
            for version in (1, 2)
            for count in (100, 1000)
        ]
        requests = _requests(Path(directory), rounds)
    text = "\n".join((*_HEAD, *rows, "", requests, "", where(), ""))
    Path("docs/benchmarks/metrics.md").write_text(text)
    print(text)


_HEAD = (
    "# What measuring costs",
    "",
    "`python -m benchmarks.metrics`. Processor time, medians of all rounds, on files as the kernel writes them. *pass* finds and reads",
    "every container, *bare* opens, reads and closes the same files in the same order, *write* puts a step of each instance and",
    "each service (one to an instance) into its ring.",
    "",
    "| control groups | containers | files | pass | bare | ratio | write | calls to the engine |",
    "|---|---|---|---|---|---|---|---|",
)


def _containers(root: Path, version: int, count: int, rounds: int) -> str:
    groups = ControlGroups(root / "sys", root / "proc")
    ids = [f"{number:064x}" for number in range(count)]
    files = [path for number, each in enumerate(ids) for path in _lay(root, version, each, number + 2)]
    assert all(groups.read(each) for each in ids)
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(_timed(lambda: [groups.read(each) for each in ids]))
        bare.append(_timed(lambda: _read_bare(files)))
    write = _median(_timed(step) for step in _steps(root, ids, rounds))
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    times = f"{_median(ours):.1f} ms | {_median(bare):.1f} ms | **{ratio:.2f}** | {write:.1f} ms"
    return f"| v{version} | {count} | {len(files)} | {times} | 0 |"


def _lay(root: Path, version: int, container_id: str, pid: int) -> list[str]:
    """The files of one container, in the order in which a pass reads them."""
    name, split = f"docker/{container_id}", version == 1
    cpu, memory, pids, disk = (f"{kind}/{name}" if split else name for kind in ("cpuacct", "memory", "pids", "blkio"))
    inactive = "total_inactive_file" if split else "inactive_file"
    contents = {
        f"sys/{cpu}/{'cpuacct.usage' if split else 'cpu.stat'}": "2500000000\n" if split else "usage_usec 2500000\n",
        f"sys/{memory}/{'memory.usage_in_bytes' if split else 'memory.current'}": "1000000\n",
        f"sys/{disk}/{'blkio.throttle.io_service_bytes_recursive' if split else 'io.stat'}": (
            "8:0 Read 10\n8:0 Write 40\nTotal 50\n" if split else "8:0 rbytes=10 wbytes=40 rios=1 wios=2\n"
        ),
        f"sys/{memory}/memory.stat": f"{_STAT}{inactive} 300000\n",
        f"sys/{pids}/pids.current": "3\n",
        f"sys/{memory}/cgroup.procs": f"{pid}\n",
        f"proc/{pid}/net/dev": _NET,
    }
    for path, content in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    if not split:
        (root / "sys" / "cgroup.controllers").touch()
    return [str(root / path) for path in contents]


def _read_bare(files: Sequence[str]) -> None:
    for path in files:
        file = os.open(path, os.O_RDONLY)
        os.read(file, 65536)
        os.close(file)


def _steps(root: Path, ids: Sequence[str], rounds: int) -> list[Callable[[], None]]:
    writer = SeriesWriter(SeriesFiles(root / "metrics"))

    def step(number: int) -> None:
        writer.begin(BEGIN + 15 * number)
        for each in ids:
            for measured in (Measured("instance", each[-26:]), Measured("service", "web")):
                writer.usage(f"app_{each[-26:]}", measured, Usage(cpu=1), Consumed(1.0))
        writer.end()

    step(0)  # makes the files
    return [lambda number=number: step(number) for number in range(1, rounds + 1)]  # type: ignore[misc]


def _requests(root: Path, rounds: int) -> str:
    line, count = json.dumps(_LINE) + "\n", 10_000
    log, times = root / "access.log", []
    log.touch()
    requests = RequestCount(log, root / "access.place")
    for _ in range(rounds):
        with log.open("a") as file:
            file.write(line * count)
        times.append(_timed(requests.look))
    return f"A request costs the reader {_median(times) * 1000 / count:.1f} µs, beside the line of {len(line)} bytes that Caddy writes; Caddy waits for no reader."


def _timed(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return (time.process_time() - begin) * 1000


def _median(values: Iterable[float]) -> float:
    return statistics.median(list(values))


if __name__ == "__main__":
    main()
