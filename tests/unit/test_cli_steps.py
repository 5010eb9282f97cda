"""The log of a build becomes a step a line."""

from slipyard.cli.progress.steps import Steps

LOG = """#1 [internal] load metadata for docker.io/library/python:3.11-slim
#1 DONE 0.4s
#2 [1/3] FROM docker.io/library/python:3.11-slim
#2 CACHED
#3 [2/3] RUN pip install -r requirements.txt
#3 0.512 Collecting flask
#3 1.900 ERROR: No matching distribution found for flsk
#3 WARN: something old
#3 ERROR: process "/bin/sh -c pip install -r requirements.txt" did not complete successfully: exit code: 1"""


def read(log: str) -> Steps:
    steps = Steps()
    for second, line in enumerate(log.splitlines()):
        steps.read(line, float(second))
    return steps


def test_a_failed_step_keeps_its_error_and_its_last_lines():
    (failed,) = read(LOG).failed()
    assert failed.name == "[2/3] RUN pip install -r requirements.txt"
    assert failed.error.endswith("exit code: 1")
    assert list(failed.output) == [
        "Collecting flask",
        "ERROR: No matching distribution found for flsk",
        "WARN: something old",
    ]


def test_a_step_runs_until_it_is_done_cached_or_failed():
    lines = LOG.splitlines()
    assert [step.number for step in read("\n".join(lines[:1])).running()] == [1]
    assert read("\n".join(lines[:4])).running() == []
    assert [step.number for step in read("\n".join(lines[:6])).running()] == [3]


def test_the_time_is_that_of_the_log_and_not_of_the_reader():
    steps = Steps()
    steps.read("#1 [1/1] RUN true", 100.0)
    step = steps.read("#1 DONE 2.3s", 999.0)
    assert (step.seconds, step.cached, step.over) == (2.3, False, True)


def test_a_line_about_no_step_is_none():
    assert Steps().read("Dockerfile says how it is built.", 0.0) is None
    assert Steps().read("# a comment", 0.0) is None
