"""The view on a terminal: finished steps stay above, failed ones show why."""

import io

from rich.console import Console

from slipyard.cli.progress.live import LiveView


def shown(lines: list[str]) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=70, color_system=None, highlight=False)
    view = LiveView(console)
    for line in lines:
        view.build_line(line)
    view.rollout_line("Live at http://shop.localhost:8080")
    view.close()
    return console.file.getvalue()


def test_each_finished_step_is_a_line_with_its_time():
    text = shown(["#1 [1/2] FROM scratch", "#1 CACHED", "#2 [2/2] COPY . .", "#2 DONE 1.2s"])
    assert "cached  [1/2] FROM scratch" in text
    assert "1.2s  [2/2] COPY . ." in text
    assert "Live at http://shop.localhost:8080" in text


def test_the_last_lines_of_a_failed_step_come_at_the_end():
    text = shown(["#1 [1/1] RUN make", "#1 0.1 cc: not found", "#1 ERROR: exit code: 2"])
    assert "failed  [1/1] RUN make: exit code: 2" in text
    assert text.rindex("cc: not found") > text.rindex("exit code: 2")


def test_markup_in_a_log_is_text():
    assert "[red]not a colour[/red]" in shown(["[red]not a colour[/red]"])
