"""One image build: a connection, a session in it, Solve and Status side by side."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from grpclib.const import Handler
from grpclib.exceptions import GRPCError, StreamTerminatedError

from slipyard.builder.buildkit import cache
from slipyard.builder.buildkit.channel import BuildKitChannel, Dial
from slipyard.builder.buildkit.control import Control
from slipyard.builder.buildkit.exporters import ImageStore, built_image
from slipyard.builder.buildkit.failures import explain, session_lost
from slipyard.builder.buildkit.progress_watch import ProgressWatch
from slipyard.builder.buildkit.protocol.control_pb2 import InfoRequest, SolveRequest, SolveResponse, StatusRequest
from slipyard.builder.buildkit.restrictions import check_arguments, check_dockerfile, check_dockerfile_in
from slipyard.builder.buildkit.services.context_upload import upload_methods
from slipyard.builder.buildkit.services.dockerfile_sync import dockerfile_methods
from slipyard.builder.buildkit.services.health import health_methods
from slipyard.builder.buildkit.services.registry_credentials import credentials_methods
from slipyard.builder.buildkit.services.secrets import secrets_methods
from slipyard.builder.buildkit.session import Session, open_session
from slipyard.builder.buildkit.solve_request import solve_request
from slipyard.builder.image_build import BuiltImage, CacheUse, ImageBuild, Progress

# Status ends by itself when the build does; a daemon that never knew the build looks for it for some seconds.
DRAIN_SECONDS = 3.0


@dataclass(frozen=True)
class Endpoint:
    """A way in: `kind`, `version` and `address` are for people."""

    kind: str
    version: str
    address: str
    store: ImageStore
    dial: Dial


class SessionLost(Exception):
    """The daemon can no longer call us."""


class BuildKit:
    """Implements `ImageBuilder`. Holds no connection: each build makes its own, and they may run at the same time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def build(self, build: ImageBuild, progress: Callable[[Progress], None]) -> BuiltImage:
        text = await check(build)
        watch = ProgressWatch(progress)
        async with BuildKitChannel(self._endpoint.dial) as channel:
            control = Control(channel)
            async with open_session(control, methods_for(build), build.cache_namespace) as session:
                response = await self._solve(control, build, session, watch, text)
        return built_image(response.ExporterResponse, build, self._endpoint.store)

    async def describe(self) -> str:
        """`Unavailable` where a standalone daemon does not answer."""
        version = self._endpoint.version or await self._ask_version()
        return f"{self._endpoint.kind} {version} at {self._endpoint.address}"

    async def cache_use(self) -> CacheUse:
        return await cache.cache_use(self._endpoint.dial, self._endpoint.address)

    async def prune_cache(self, keep_bytes: int) -> int:
        return await cache.prune_cache(self._endpoint.dial, self._endpoint.address, keep_bytes)

    async def _solve(
        self, control: Control, build: ImageBuild, session: Session, watch: ProgressWatch, text: str
    ) -> SolveResponse:
        ref = uuid.uuid4().hex
        request = solve_request(build, self._endpoint.store, ref=ref, session_id=session.session_id)
        try:
            return await solve_and_watch(control, request, session, watch)
        except SessionLost:
            raise session_lost(self._endpoint.address) from None
        except (GRPCError, StreamTerminatedError, ConnectionError) as error:
            raise explain(error, watch, build, self._endpoint.address, text) from error

    async def _ask_version(self) -> str:
        async with BuildKitChannel(self._endpoint.dial) as channel:
            try:
                return (await Control(channel).info(InfoRequest(), timeout=10)).buildkitVersion.version
            except (GRPCError, StreamTerminatedError, ConnectionError, TimeoutError):
                return "of unknown version"


async def check(build: ImageBuild) -> str:
    """The text of its Dockerfile."""
    check_arguments(build.build_args)
    if build.dockerfile.text is None:
        return await asyncio.to_thread(check_dockerfile_in, build.context, build.dockerfile.path)
    return check_dockerfile("The Dockerfile", build.dockerfile.text.encode())


def methods_for(build: ImageBuild) -> dict[str, Handler]:
    """Health, credentials and secrets always, because a daemon that misses them fails in obscure ways."""
    own_dockerfile = dockerfile_methods(build.dockerfile.text) if build.dockerfile.text is not None else {}
    return {
        **health_methods(),
        **credentials_methods(build.credentials),
        **secrets_methods(build.secrets),
        **upload_methods(build.context),
        **own_dockerfile,
    }


async def solve_and_watch(
    control: Control, request: SolveRequest, session: Session, watch: ProgressWatch
) -> SolveResponse:
    """Leaving this by an error or by cancellation cancels Solve, which kills the build on the daemon."""
    solve = asyncio.create_task(control.solve(request))
    status = asyncio.create_task(_follow(control, request.Ref, watch))
    try:
        await _until_solved(solve, status, session)
        await asyncio.wait([status], timeout=DRAIN_SECONDS)
        if status.done():
            status.result()
        return solve.result()
    finally:
        for task in (solve, status):
            task.cancel()
        await asyncio.gather(solve, status, return_exceptions=True)


async def _until_solved(solve: asyncio.Task[SolveResponse], status: asyncio.Task[None], session: Session) -> None:
    """A dropped session would leave the build running and unanswered; a progress callback that raised ends it too."""
    others = {status, session.ended}
    while not solve.done():
        await asyncio.wait({solve, *others}, return_when=asyncio.FIRST_COMPLETED)
        if status.done():
            status.result()
            others.discard(status)
        if session.ended.done() and not solve.done():
            raise SessionLost


async def _follow(control: Control, ref: str, watch: ProgressWatch) -> None:
    """Ends with the build. What goes wrong with the daemon is Solve's to report."""
    try:
        async with control.status.open() as stream:
            await stream.send_message(StatusRequest(Ref=ref), end=True)
            async for response in stream:
                watch.take(response)
    except (GRPCError, StreamTerminatedError, ConnectionError):
        return
