"""When an instance counts as ready: an HTTP answer where a path is given, else an accepted TCP connection."""

from pydantic import Field

from slipyard.domain.values import Value


class HealthCheck(Value):
    path: str | None = Field(None, pattern=r"^/[^\s\x00-\x1f]*$", max_length=1024, examples=["/healthz"])
    interval: float = Field(10.0, gt=0, le=300, description="Seconds between checks once it serves")
    timeout: float = Field(5.0, gt=0, le=300, description="Seconds one check may take")
    retries: int = Field(3, ge=1, le=100, description="Failures in a row that make it unhealthy")
    start_period: float = Field(60.0, gt=0, le=3600, description="Seconds a new instance has to become ready")
