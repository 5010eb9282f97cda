"""What a delivery that was written down says."""

from slipyard.domain.announcement import Announcement
from slipyard.store.tables import Delivery, Hook
from slipyard.webhooks.essence import MARK, read_essence
from slipyard.webhooks.providers import provider_named


async def announced(hook: Hook, delivery: Delivery) -> Announcement:
    """`UserError` where it cannot be read any more: by a newer reading of ours, or without its body."""
    if MARK in delivery.headers:
        return read_essence(delivery.body)
    return provider_named(hook.provider).announcement(hook.settings, delivery.headers, delivery.body)
