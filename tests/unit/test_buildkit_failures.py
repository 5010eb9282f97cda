"""The daemon's sentences, old and new, become ours; the real ones are in tests/engine/buildkit."""

import json
from pathlib import Path

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from slipyard.builder.buildkit.failure_details import FailureDetails, FailureDetailsCodec
from slipyard.builder.buildkit.failures import explain
from slipyard.builder.buildkit.progress_watch import ProgressWatch
from slipyard.builder.buildkit.protocol import failure_pb2
from slipyard.builder.buildkit.protocol.control_pb2 import StatusResponse, Vertex, VertexLog
from slipyard.builder.image_build import Dockerfile, ImageBuild
from slipyard.domain.errors import BuildFailed, SlipyardError, Unavailable

BUILD = ImageBuild("bld", Path("context.tar"), Dockerfile("web/Dockerfile"), "registry.example/app:1", "app")


def failed(
    message: str, step: str = "", *, status: Status = Status.UNKNOWN, details: object = None, text: str = ""
) -> SlipyardError:
    watch = ProgressWatch(lambda _progress: None)
    if step:
        watch.take(StatusResponse(vertexes=[Vertex(digest="sha256:1", name=step, error=message)]))
    return explain(GRPCError(status, message, details), watch, BUILD, "unix:///docker.sock", text)


@pytest.mark.parametrize(
    ("message", "step", "sentence"),
    [
        ("executor failed running [/bin/sh -c make]: exit code: 2", "[2/2] RUN make", "RUN make failed with exit code 2"),
        ('process "/bin/sh -c a" did not complete successfully: exit code: 137', "[2/2] RUN a", "wanted more memory"),
        ('failed to solve with frontend dockerfile.v0: failed to create LLB definition: target stage "x" could not be found', "", "no stage named 'x'"),
        ("failed to solve with frontend dockerfile.v0: failed to create LLB definition: bad platform", "", "web/Dockerfile: bad platform"),
        ("r.example/a:1: not found", "[internal] load metadata for r.example/a:1", "the image r.example/a:1 does not exist"),
        ("pull access denied, repository does not exist or may require authorization", "FROM docker.io/library/x:latest", "docker.io/library/x:latest: it does not exist or needs a login"),
        ("no match for platform in manifest", "[internal] load metadata for a:1", "does not exist for this platform"),
        ("r.example/timeout-denied:1: not found", "FROM r.example/timeout-denied:1", "timeout-denied:1 does not exist"),
        ("secret npm: not found", "[2/2] RUN npm ci", "needs the build secret 'npm'"),
    ],
)  # fmt: skip
def test_what_the_user_can_mend_is_a_failed_build(message: str, step: str, sentence: str):
    error = failed(message, step)
    assert isinstance(error, BuildFailed)
    assert sentence in error.message


@pytest.mark.parametrize(
    ("message", "step", "sentence"),
    [
        ("write /var/lib/x: no space left on device", "[2/2] COPY . .", "disk is full"),
        ('Head "https://r.example/v2/": net/http: TLS handshake timeout', "FROM r.example/a:1", "registry of the image r.example/a:1"),
        ("unexpected status from HEAD request: 503 Service Unavailable", "FROM r.example/a:1", "registry of the image r.example/a:1"),
        ("push access denied", "exporting to image", "refused to take registry.example/app:1"),
        ('failed to push x: Head "https://x/v2/app/blobs/sha256:40140350": connection refused', "exporting to image", "could not be stored"),
        ("unexpected status from POST request to https://x/v2/: 403 Forbidden", "exporting to image", "refused to take"),
        ("failed to copy: EOF", "pushing layers", "registry.example/app:1 could not be stored"),
        ("failed to get session: no active session for x", "", "lost the connection"),
        ("something that nobody has seen", "", "Look into the daemon's log"),
    ],
)  # fmt: skip
def test_what_the_builder_or_a_registry_did_is_not_the_users_fault(message: str, step: str, sentence: str):
    error = failed(message, step)
    assert isinstance(error, Unavailable)
    assert sentence in error.message


def test_a_registry_that_is_away_does_not_hide_behind_a_failing_command():
    error = failed("executor failed running [curl r.example: connection refused]: exit code: 7", "[2/2] RUN curl")
    assert isinstance(error, BuildFailed)


OLD_PARSER = "failed to solve with frontend dockerfile.v0: dockerfile parse error line 3: unknown instruction: ECHO"


@pytest.mark.parametrize(
    ("dockerfile", "hint"),
    [
        ("FROM busybox\nRUN <<EOF\necho hi\nEOF\n", True),
        ("FROM busybox\ncopy <<-'EOF' /a\necho hi\nEOF\n", True),
        ("FROM busybox\nRUN true\nECHO hi\nRUN <<EOF\n", False),
        ("FROM busybox\n# not <<EOF\nECHO hi\n", False),
        ("", False),
    ],
)
def test_a_heredoc_is_blamed_only_where_there_is_one(dockerfile: str, hint: bool):
    error = failed(OLD_PARSER, text=dockerfile)
    assert error.message.startswith("web/Dockerfile:3 is not valid: unknown instruction: ECHO. Correct this line")
    assert ("heredoc (<<) needs Docker Engine 23" in error.message) == hint


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.CANCELLED, Status.INTERNAL])
def test_the_daemons_own_troubles_are_its_own(status: Status):
    assert isinstance(failed("dockerfile parse error line 3: x", status=status), Unavailable)


def test_a_connection_that_ended_names_the_daemon():
    error = explain(StreamTerminatedError("Connection lost"), ProgressWatch(print), BUILD, "tcp://builder:1234")
    assert isinstance(error, Unavailable)
    assert "tcp://builder:1234" in error.message


def test_the_place_and_the_step_of_the_trailer_are_used():
    watch = ProgressWatch(lambda _progress: None)
    watch.take(
        StatusResponse(
            vertexes=[
                Vertex(digest="a", name="[1/2] RUN one", error="exit code: 1"),
                Vertex(digest="b", name="[2/2] RUN two", error="context canceled"),
            ],
            logs=[VertexLog(vertex="a", msg=b"50%\r100%\r\nwr\xffong\n"), VertexLog(vertex="b", msg=b"fine\n")],
        )
    )
    error = GRPCError(
        Status.UNKNOWN,
        'process "one" did not complete successfully: exit code: 1',
        FailureDetails("web/Dockerfile", 7, "a"),
    )
    explained = explain(error, watch, BUILD, "")
    assert isinstance(explained, BuildFailed)
    assert explained.message.startswith("web/Dockerfile:7: RUN one failed")
    assert explained.log_tail == ("100%", "wr\ufffdong")


def trailer(*details: tuple[str, object]) -> bytes:
    return failure_pb2.Status(
        code=2,
        details=[failure_pb2.Detail(type_url=kind, value=json.dumps(value).encode()) for kind, value in details],
    ).SerializeToString()


SOURCE = (
    "github.com/moby/buildkit/errdefs.Source+json",
    {"info": {"filename": "D"}, "ranges": [{"start": {"line": 4}}]},
)


@pytest.mark.parametrize(
    ("data", "details"),
    [
        (b"\xff\xff", FailureDetails()),
        (trailer(("x.Unknown", [])), FailureDetails()),
        (trailer(SOURCE, ("github.com/moby/buildkit/errdefs.Vertex+json", {"digest": "sha256:9"})), FailureDetails("D", 4, "sha256:9")),
        (trailer(SOURCE, ("github.com/moby/buildkit/errdefs.Vertex+json", 3)), FailureDetails("D", 4)),
        (trailer(("github.com/moby/buildkit/errdefs.Source+json", {"info": None, "ranges": None})), FailureDetails()),
    ],
)  # fmt: skip
def test_details_that_are_not_understood_hide_nothing(data: bytes, details: FailureDetails):
    assert FailureDetailsCodec().decode(Status.UNKNOWN, "", data) == details
