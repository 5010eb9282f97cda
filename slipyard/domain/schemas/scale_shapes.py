"""Bodies and answers of autoscaling."""

from pydantic import Field

from slipyard.domain.app import MOST_INSTANCES
from slipyard.domain.autoscaling import AutoscaleRules, Load, Targets
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

_USUAL = AutoscaleRules(targets={Load.CPU: 70})


class Autoscale(Incoming):
    """PUT .../autoscale: replaces all rules; a bound that is not sent stays."""

    targets: Targets = Field(
        description="For each instance: percent of its cpu or memory limit, concurrency, requests a second"
    )
    min_instances: int | None = Field(None, ge=0, le=MOST_INSTANCES)
    max_instances: int | None = Field(None, ge=1, le=MOST_INSTANCES)
    tolerance: float = Field(_USUAL.tolerance, ge=0, le=1, description="Share of a target within which nothing moves")
    up_seconds: float = Field(_USUAL.up_seconds, ge=15, le=3600, description="Load of so long decides about more")
    down_seconds: float = Field(
        _USUAL.down_seconds, ge=15, le=3600, description="Nothing needed more for so long: fewer"
    )

    @property
    def rules(self) -> AutoscaleRules:
        return AutoscaleRules.model_validate(self.model_dump(exclude={"min_instances", "max_instances"}))


class AutoscaleView(Outgoing):
    app_id: str
    enabled: bool
    rules: AutoscaleRules | None = Field(description="null where it is off")
    min_instances: int
    max_instances: int
    instances: int = Field(description="That are to run now")
    last_move: str | None = Field(description="From how many to how many, and why")
