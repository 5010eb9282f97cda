"""Deliveries, for the ledger."""

import base64
from typing import Any

from slipyard.domain.schemas.delivery_output import CausedPush, CausedWork, DecisionView, DeliveryDetail, DeliveryView
from slipyard.store.queries.deliveries import Caused, DeliveryRow
from slipyard.store.tables import Build, Delivery, Deployment
from slipyard.webhooks.essence import MARK

_CREDENTIALS = ("authorization", "token", "signature", "secret", "cookie", "password", "api-key")


def delivery_view(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(**_fields(row))


def delivery_detail(row: DeliveryRow, caused: Caused) -> DeliveryDetail:
    delivery = row.delivery
    return DeliveryDetail(
        **_fields(row),
        **_body(delivery),
        headers=_harmless(delivery.headers),
        decisions=[
            DecisionView(app=caused.slugs.get(each.app_id, ""), **each.model_dump(exclude={"delivery_id"}))
            for each in caused.decisions
        ],
        pushes=[CausedPush(**push.model_dump(include=set(CausedPush.model_fields))) for push in caused.pushes],
        builds=[_work(build) for build in caused.builds],
        deployments=[_work(deployment) for deployment in caused.deployments],
        replays=list(caused.replays),
    )


def _fields(row: DeliveryRow) -> dict[str, Any]:
    delivery, decided = row.delivery, row.decision or row.delivery
    took = delivery.decided_at - delivery.received_at if delivery.decided_at else None
    return {
        "id": delivery.id,
        "hook_id": delivery.hook_id,
        "app_id": delivery.app_id,
        "provider": row.provider,
        "provider_id": delivery.provider_id,
        "event": delivery.event,
        "verdict": decided.verdict,
        "reason": decided.reason,
        "deployment_id": decided.deployment_id,
        "replay_of": delivery.replay_of,
        "body_bytes": delivery.body_bytes,
        "milliseconds": round(took.total_seconds() * 1000, 1) if took is not None else None,
        "received_at": delivery.received_at,
        "decided_at": delivery.decided_at,
    }


def _body(delivery: Delivery) -> dict[str, Any]:
    if not delivery.body:
        kept = "removed" if delivery.body_bytes else "whole"
        return {"body": None if delivery.body_bytes else "", "body_encoding": "text", "body_kept": kept}
    kept = "essence" if MARK in delivery.headers else "whole"
    try:
        text = delivery.body.decode()
    except UnicodeDecodeError:
        encoded = base64.b64encode(delivery.body).decode()
        return {"body": encoded, "body_encoding": "base64", "body_kept": kept}
    return {"body": text, "body_encoding": "text", "body_kept": kept}


def _harmless(headers: dict[str, str]) -> dict[str, str]:
    """Credentials are not stored; this holds for what an older version stored too."""
    return {
        name: value
        for name, value in headers.items()
        if name != MARK and not any(word in name.lower() for word in _CREDENTIALS)
    }


def _work(row: Build | Deployment) -> CausedWork:
    return CausedWork(id=row.id, app_id=row.app_id, number=row.number, status=row.status, error=row.error)
