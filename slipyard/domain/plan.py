"""What an app may use at the most, by plans of the settings file, and where apps run. Prices are words for people."""

from collections.abc import Iterable, Sequence

from pydantic import Field

from slipyard.domain.app import AppConfig
from slipyard.domain.errors import FieldProblem, QuotaExceeded, ValidationFailed
from slipyard.domain.resources import MIB, Resources
from slipyard.domain.values import Value

LOCAL = "local"


class Plan(Value):
    """Limits are of one instance, `max_instances` of the app, `max_apps` of an organization; None is no limit."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    name: str = Field("", max_length=100, description="Default: its id")
    description: str = Field("", max_length=1000)
    cpu_cores: float = Field(1.0, gt=0, le=8)
    memory_mb: int = Field(512, ge=64, le=16384)
    processes: int = Field(4096, ge=16, le=32768)
    disk_gb: float | None = Field(None, gt=0, description="Said, and not enforced: engines cannot, as a rule")
    max_instances: int = Field(20, ge=1, le=100)
    max_apps: int | None = Field(None, ge=1)
    max_custom_domains: int | None = Field(None, ge=0)
    bandwidth_gb_included: float | None = Field(None, ge=0)
    price_monthly: float = Field(0.0, ge=0)
    hourly_rate: float = Field(0.0, ge=0)
    currency: str = Field("EUR", min_length=3, max_length=3)
    features: tuple[str, ...] = Field((), max_length=50)
    default: bool = Field(default=False, description="Of apps that name none; else the first plan is")

    @property
    def resources(self) -> Resources:
        return Resources(cpu=f"{self.cpu_cores:g}", memory=f"{self.memory_mb}Mi", processes=self.processes)


class Region(Value):
    code: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    name: str = Field(max_length=100)
    country_code: str | None = Field(None, min_length=2, max_length=2)
    driver: str = "docker"
    available: bool = True


HERE = Region(code=LOCAL, name="This machine")


def chosen_plan(plans: Sequence[Plan], wanted: str | None) -> Plan | None:
    """None where there are no plans. `ValidationFailed` for one that is not there."""
    if wanted is None:
        return next((plan for plan in plans if plan.default), plans[0] if plans else None)
    found = find_plan(plans, wanted)
    if found is None:
        there = f"there are {', '.join(plan.id for plan in plans)}" if plans else "there are none in the settings file"
        raise _wrong("plan", f"There is no plan {wanted!r}; {there}.")
    return found


def find_plan(plans: Sequence[Plan], plan_id: str | None) -> Plan | None:
    return next((plan for plan in plans if plan.id == plan_id), None)


def chosen_region(regions: Sequence[Region], wanted: str | None) -> Region:
    """The first that is available where none is named."""
    open_ones = [region for region in regions if region.available and wanted in {None, region.code}]
    if not open_ones:
        there = ", ".join(region.code for region in regions if region.available) or "none now"
        raise _wrong("region", f"There is no region {wanted!r} to put an app into; there are {there}.")
    return open_ones[0]


def config_in_plan(plan: Plan | None, config: AppConfig) -> AppConfig:
    """An app that says nothing of its resources gets those of its plan. `QuotaExceeded` for more than the plan has."""
    if plan is None:
        return config
    if config.resources == Resources():
        config = config.model_copy(update={"resources": plan.resources})
    refuse_above(plan, config)
    return config


def refuse_above(plan: Plan, config: AppConfig, before: AppConfig | None = None) -> None:
    """`QuotaExceeded` names everything that is above, but for what was so `before`: a smaller plan stops nothing."""
    known = set() if before is None else {problem.field for problem in _above(plan, before)}
    problems = [problem for problem in _above(plan, config) if problem.field not in known]
    if problems:
        what = "; ".join(f"{problem.field} {problem.message}" for problem in problems)
        raise QuotaExceeded(
            f"The plan {plan.id} does not allow this: {what}. Ask for less, or make the app under another plan.",
            details=problems,
        )


def _above(plan: Plan, config: AppConfig) -> Iterable[FieldProblem]:
    if config.max_instances > plan.max_instances:
        yield FieldProblem("max_instances", f"is {config.max_instances}, at the most {plan.max_instances}")
    yield from resources_above(plan, config.resources, "resources")
    for name, service in config.services.items():
        if service.resources is not None:
            yield from resources_above(plan, service.resources, f"services.{name}.resources")
        if service.replicas is not None and service.replicas > plan.max_instances:
            yield FieldProblem(f"services.{name}.replicas", f"is {service.replicas}, at the most {plan.max_instances}")


def resources_above(plan: Plan, given: Resources, where: str) -> Iterable[FieldProblem]:
    if given.millicores > plan.resources.millicores:
        yield FieldProblem(f"{where}.cpu", f"is {given.cpu}, at the most {plan.resources.cpu}")
    if given.memory_bytes > plan.memory_mb * MIB:
        yield FieldProblem(f"{where}.memory", f"is {given.memory}, at the most {plan.memory_mb}Mi")
    if given.processes > plan.processes and given.processes != Resources().processes:
        yield FieldProblem(f"{where}.processes", f"is {given.processes}, at the most {plan.processes}")


def _wrong(where: str, message: str) -> ValidationFailed:
    return ValidationFailed(message, details=[FieldProblem(where, "not there")])
