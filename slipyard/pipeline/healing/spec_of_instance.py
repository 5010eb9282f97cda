"""The one specification of an instance that exists already: what its container is compared with, and made of again."""

from slipyard.deployer.driver import InstanceSpec
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.instances import instance_spec
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.store.tables import Instance


async def spec_of_instance(context: Context, instance_id: str) -> InstanceSpec:
    row = await context.database.reading(lambda session: session.get_one(Instance, instance_id))
    rollout = await context.database.reading(lambda session: load_rollout(session, context, row.deployment_id))
    service = next(each for each in rollout.config.services if each.name == row.service)
    return instance_spec(rollout, service, row)
