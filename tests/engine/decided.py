"""What became of a delivery, however long a busy machine takes to decide it."""

import re
from typing import Any

import httpx

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp


def decided(app: WholeApp, answer: httpx.Response) -> dict[str, Any]:
    """As the provider is told it for `app`. An answer comes within a second, and may come before the decision."""
    (verdict,) = answer.raise_for_status().json()
    if verdict["status"] != "accepted":
        return dict(verdict)
    delivery = re.search(r"deliveries/(dlv_\w+)", verdict["message"])
    assert delivery is not None, verdict

    def decision() -> dict[str, Any] | None:
        found = app.get(f"/deliveries/{delivery[1]}")
        told = {"app": app.slug, "status": found["verdict"], "message": found["reason"]}
        return None if found["verdict"] is None else told | {"deployment_id": found["deployment_id"]}

    return wait_until(decision)
