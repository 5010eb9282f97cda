"""Plans and regions as they are answered."""

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing


class PlanView(Outgoing):
    id: str
    name: str
    description: str
    cpu_cores: float = Field(description="Of one instance, as memory_mb and processes: more is refused")
    memory_mb: int
    processes: int
    disk_gb: float | None = Field(description="Said, and not enforced")
    max_instances: int = Field(description="Of one service of an app")
    max_apps: int | None = Field(description="Of an organization; null: no limit")
    max_custom_domains: int | None
    bandwidth_gb_included: float | None
    price_monthly: float
    hourly_rate: float
    currency: str
    features: list[str]
    is_default: bool = Field(description="Of apps that name none")


class RegionView(Outgoing):
    code: str
    name: str
    country_code: str | None
    driver: str
    available: bool


class TemplateView(Outgoing):
    id: str
    name: str
    description: str


class TemplateList(Outgoing):
    templates: list[TemplateView]
    total: int
