"""The wake-up that follows an accepted request: a build worker where there is something to build, else a deploy worker."""

from slipyard.pipeline.context import Context
from slipyard.store.tables import Deployment


async def wake_deployment(context: Context, deployment: Deployment) -> None:
    if deployment.build_id is not None and deployment.release_id is None:
        await context.queue.wake("build", deployment.build_id)
    else:
        await context.queue.wake("deploy", deployment.id)
