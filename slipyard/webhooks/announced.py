"""What a delivery that was written down says."""

from slipyard.domain.announcement import Announcement
from slipyard.store.tables import Delivery, Hook
from slipyard.webhooks.providers import provider_named


async def announced(hook: Hook, delivery: Delivery) -> Announcement:
    """`UserError` where it cannot be read any more: by a newer reading of ours, or without its body."""
    return provider_named(hook.provider).announcement(delivery.headers, delivery.body)
