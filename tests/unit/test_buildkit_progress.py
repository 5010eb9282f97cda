"""The daemon's status as numbered steps, and these as the lines of a log."""

from google.protobuf.timestamp_pb2 import Timestamp

from slipyard.builder.buildkit.progress_watch import ProgressWatch
from slipyard.builder.buildkit.protocol.control_pb2 import (
    Position,
    Range,
    SourceInfo,
    StatusResponse,
    Vertex,
    VertexLog,
    VertexWarning,
)
from slipyard.builder.image_build import Progress, Step, StepOutput, StepWarning
from slipyard.builder.progress_log import PARTIAL_LIMIT, ProgressLog


def watched(*responses: StatusResponse) -> list[Progress]:
    said: list[Progress] = []
    watch = ProgressWatch(said.append)
    for response in responses:
        watch.take(response)
    return said


def logged(*progress: Progress) -> list[str]:
    log = ProgressLog()
    return [line for each in progress for line in log.lines(each)] + log.rest()


def test_nothing_is_said_twice():
    response = StatusResponse(vertexes=[Vertex(digest="a", name="one", started=Timestamp(seconds=5))])
    assert watched(response, response) == [Step(1, "one", started_at=5.0)]


def test_steps_are_numbered_by_first_appearance_also_where_output_comes_first():
    said = watched(
        StatusResponse(logs=[VertexLog(vertex="b", stream=1, msg=b"early", timestamp=Timestamp(seconds=3))]),
        StatusResponse(vertexes=[Vertex(digest="a", name="one"), Vertex(digest="b", name="two")]),
    )
    assert said == [StepOutput(1, 1, b"early", at=3.0), Step(2, "one"), Step(1, "two")]


def test_beginning_output_and_end_in_one_message_come_in_this_order():
    vertex = Vertex(digest="a", name="one", started=Timestamp(seconds=5), completed=Timestamp(seconds=7))
    said = watched(StatusResponse(vertexes=[vertex], logs=[VertexLog(vertex="a", stream=2, msg=b"x\n")]))
    assert [type(each) for each in said] == [Step, StepOutput, Step]
    assert said[-1] == Step(1, "one", started_at=5.0, completed_at=7.0)


def test_a_warning_says_where():
    warning = VertexWarning(
        vertex="a", short=b"use JSON", info=SourceInfo(filename="D"), ranges=[Range(start=Position(line=3))]
    )
    assert watched(StatusResponse(warnings=[warning])) == [StepWarning(1, "use JSON", "D:3")]


def test_a_log_reads_like_buildkits_own():
    assert logged(
        Step(6, "[2/4] RUN pip install"),
        Step(6, "[2/4] RUN pip install", started_at=10.0),
        StepOutput(6, 1, b"Collecting flask\nInst", at=10.5),
        StepWarning(6, "old", "Dockerfile:3"),
        StepOutput(6, 1, b"alling\n", at=11.25),
        Step(6, "[2/4] RUN pip install", started_at=10.0, completed_at=12.34),
        Step(7, "[3/4] COPY . .", started_at=13.0, completed_at=13.0, cached=True),
        Step(8, "[4/4] RUN false", started_at=14.0),
        Step(8, "[4/4] RUN false", started_at=14.0, completed_at=15.0, error="exit code: 1"),
    ) == [
        "#6 [2/4] RUN pip install",
        "#6 0.500 Collecting flask",
        "#6 WARN: old (Dockerfile:3)",
        "#6 1.250 Installing",
        "#6 DONE 2.3s",
        "#7 [3/4] COPY . .",
        "#7 CACHED",
        "#8 [4/4] RUN false",
        "#8 ERROR: exit code: 1",
    ]


def test_a_line_without_an_end_is_written_when_its_step_ends_or_the_build():
    begun = Step(1, "a", started_at=1.0)
    ended = Step(1, "a", started_at=1.0, completed_at=2.0)
    assert logged(begun, StepOutput(1, 1, b"no end", at=1.0), ended)[1:] == ["#1 0.000 no end", "#1 DONE 1.0s"]
    assert logged(begun, StepOutput(1, 2, b"killed here", at=1.0))[1:] == ["#1 0.000 killed here"]


def test_lines_of_both_streams_do_not_mix():
    out = [StepOutput(1, 1, b"out-", at=0.0), StepOutput(1, 2, b"err-", at=0.0)]
    rest = [StepOutput(1, 1, b"1\n", at=0.0), StepOutput(1, 2, b"2\n", at=0.0)]
    assert logged(*out, *rest) == ["#1 0.000 out-1", "#1 0.000 err-2"]


def test_of_a_progress_bar_the_last_state_stays():
    pieces = [b"10%\r", b"50%\r60%", b"\r100%\r", b"\ndone\r\n"]
    assert logged(*(StepOutput(1, 1, piece) for piece in pieces)) == ["#1 0.000 100%", "#1 0.000 done"]


def test_a_character_cut_in_two_arrives_whole_and_broken_bytes_are_replaced():
    euro = "€".encode()
    pieces = [euro[:1], euro[1:] + b" \xff\n", euro[:2]]
    assert logged(*(StepOutput(1, 1, piece) for piece in pieces)) == ["#1 0.000 € \ufffd", "#1 0.000 \ufffd"]


def test_a_line_that_never_ends_is_broken():
    log = ProgressLog()
    assert len(log.lines(StepOutput(1, 1, b"x" * (PARTIAL_LIMIT + 1)))) == 1
    assert log.rest() == []


def test_a_step_in_several_parts_ends_once_for_each():
    name = "exporting to image"
    assert logged(
        Step(1, name, started_at=1.0),
        Step(1, name, started_at=1.0, completed_at=2.0),
        Step(1, name, started_at=3.0),
        Step(1, name, started_at=3.0, completed_at=5.0),
        Step(1, name, started_at=3.0, completed_at=5.0),
    ) == [f"#1 {name}", "#1 DONE 1.0s", "#1 DONE 2.0s"]
