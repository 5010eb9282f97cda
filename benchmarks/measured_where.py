"""What a figure was measured on, in one line."""

import os
import platform
from datetime import UTC, datetime


def where() -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores shared with other work, load"
        f" {os.getloadavg()[1]:.1f}, Python {platform.python_version()}."
    )
