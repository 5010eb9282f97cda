"""What a person at `git push` sees of a build."""

from slipyard.api.gitserver.condensed import CondensedBuild


def test_a_failing_step_shows_its_last_lines() -> None:
    log = "#5 [2/3] RUN make\n" + "\n".join(f"#5 0.{n:03d} line {n}" for n in range(100)) + "\n#5 ERROR: exit code: 2"

    shown = CondensedBuild().lines(log)

    assert shown[0] == "  [2/3] RUN make"
    assert shown[1] == "  | line 70"
    assert shown[-2:] == ["  | line 99", "  ERROR: exit code: 2"]


def test_a_good_step_is_one_line_with_its_time() -> None:
    log = "#1 [internal] load build context\n#1 DONE 0.1s\n#5 [2/3] RUN make\n#5 0.100 hello\n#5 DONE 2.3s"

    assert CondensedBuild().lines(log) == ["  [2/3] RUN make  2.3s"]


def test_cached_steps_and_other_lines_are_shown() -> None:
    build = CondensedBuild()

    assert build.lines("Commit abc: hello\n#2 [1/3] FROM base") == ["Commit abc: hello"]
    assert build.lines("#2 CACHED\n") == ["  [1/3] FROM base  cached"]


def test_a_line_without_end_does_not_fill_the_terminal() -> None:
    assert len(CondensedBuild().lines("x" * 100_000)[0]) == 200
