"""Tokens, webhooks and deliveries."""

from datetime import datetime

from slipyard.api.views.app_view import hook_url
from slipyard.domain.schemas.access_output import DeliveryView, HookView, TokenView
from slipyard.domain.settings import Settings
from slipyard.store.tables import Delivery, Hook, Token
from slipyard.webhooks.entering import what_to_enter
from slipyard.webhooks.providers import provider_named


def token_view(token: Token) -> TokenView:
    return TokenView(**token.model_dump(include=set(TokenView.model_fields)))


def hook_view(hook: Hook, settings: Settings, last_delivery: datetime | None) -> HookView:
    provider, url = provider_named(hook.provider), hook_url(settings, hook)
    return HookView(
        id=hook.id,
        app_id=hook.app_id,
        provider=hook.provider,
        url=url,
        scheme=provider.scheme(hook.settings),
        enter=what_to_enter(provider, hook.settings, url),
        rejected=hook.rejected,
        rejected_at=hook.rejected_at,
        rejection=hook.rejection,
        last_delivery=last_delivery,
        created_at=hook.created_at,
    )


def delivery_view(row: Delivery) -> DeliveryView:
    return DeliveryView(**row.model_dump(include=set(DeliveryView.model_fields)))
