"""The ways in which a release takes over, once what runs alone has ended. Each ends with all requests at the new instances, and returns the route's generation."""

from collections.abc import Awaitable, Callable, Mapping

from slipyard.domain.rollout import Strategy
from slipyard.pipeline.attempt import Attempt
from slipyard.pipeline.rollout.canary import canary
from slipyard.pipeline.rollout.load_rollout import Rollout
from slipyard.pipeline.rollout.roll_in_batches import roll_in_batches

STRATEGIES: Mapping[Strategy, Callable[[Attempt, Rollout], Awaitable[int]]] = {
    Strategy.ROLLING: roll_in_batches,
    Strategy.BLUE_GREEN: roll_in_batches,
    Strategy.RECREATE: roll_in_batches,
    Strategy.CANARY: canary,
}
