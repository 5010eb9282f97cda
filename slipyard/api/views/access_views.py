"""Tokens and webhooks."""

from datetime import datetime

from slipyard.api.views.app_view import hook_url
from slipyard.domain.schemas.access_output import HookState, HookView, TokenView
from slipyard.domain.settings import Settings
from slipyard.store.tables import Hook, Token
from slipyard.webhooks.entering import what_to_enter
from slipyard.webhooks.providers import provider_named


def token_view(token: Token) -> TokenView:
    return TokenView(**token.model_dump(include=set(TokenView.model_fields)))


def hook_view(hook: Hook, settings: Settings, last_delivery: datetime | None) -> HookView:
    provider, url = provider_named(hook.provider), hook_url(settings, hook)
    state, message = _state(hook, last_delivery)
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
        state=state,
        state_message=message,
        waiting_since=hook.waiting_since,
        last_delivery=last_delivery,
        installed=hook.installed,
        created_at=hook.created_at,
    )


def _state(hook: Hook, last_delivery: datetime | None) -> tuple[HookState, str]:
    if last_delivery is None:
        refused = (
            f" {hook.rejected} deliveries were refused: {hook.rejection}" if hook.rejected and hook.rejection else ""
        )
        return "waiting", f"Waiting for your first push.{refused}"
    if hook.waiting_since is not None:
        return "connected", "Deliveries arrive here. Waiting for your first push."
    return "receiving", "Pushes arrive here."
