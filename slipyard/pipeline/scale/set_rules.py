"""How an app scales, and when it sleeps, is told anew. It counts at once: no deployment is needed."""

from dataclasses import dataclass
from typing import Any

from slipyard.domain.actor import Actor
from slipyard.domain.app import AppConfig
from slipyard.domain.autoscaling import AutoscaleRules
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.context import Context
from slipyard.store.tables import App


@dataclass(frozen=True)
class ScaleRules:
    """`rules` None turns it off; a bound that is None stays."""

    rules: AutoscaleRules | None
    min_instances: int | None = None
    max_instances: int | None = None


async def set_rules(context: Context, app: App, told: ScaleRules, actor: Actor) -> App:
    """`ValidationFailed`, `QuotaExceeded` above the plan; `PreconditionFailed` where somebody changed the app meanwhile."""
    bounds = {"min_instances": told.min_instances, "max_instances": told.max_instances}
    changes: dict[str, Any] = {name: count for name, count in bounds.items() if count is not None}
    changes["autoscale"] = None if told.rules is None else told.rules.model_dump(mode="json")
    config = AppConfig.model_validate({**app.config.model_dump(mode="json"), **changes})
    return await change_app(context, app.id, AppChanges(config=config), actor, app.version)
