"""What the router does with requests of an app before the app is asked: shown and changed."""

import hashlib
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import PreconditionFailed, ValidationFailed
from slipyard.domain.route_document import RulesEntry
from slipyard.domain.route_rules import RouteRules
from slipyard.domain.schemas.rule_shapes import ChangeRules
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.hosts.passwords import accounts, hashed, shown
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.store.cipher import Cipher
from slipyard.store.events import record
from slipyard.store.queries.route_rules import keep_rules, rules_of
from slipyard.store.tables import App

EVENT = "app.route"


async def change_rules(
    context: Context, app_id: str, changes: ChangeRules, if_match: str | None, actor: Actor
) -> RulesEntry:
    """In force when this returns, unless the router is away. `PreconditionFailed` where `if_match` is of other rules."""
    entries = await hashed(changes.basic_auth or [])

    def write(session: Session) -> RulesEntry:
        app = configurable_app(session, app_id)
        held = rules_of(session, app.id)
        refuse_changed(rules_etag(shown_rules(held, context.cipher)), if_match, app)
        given = {name: getattr(changes, name) for name in changes.model_fields_set}
        if "basic_auth" in given:
            given["basic_auth"] = accounts(entries, held, context.cipher)
        rules = _merged(held, given)
        write_rules(session, context, app, rules, actor)
        return shown_rules(rules, context.cipher)

    rules = await context.database.writing(write)
    await try_to_publish_hosts(context)
    return rules


def write_rules(session: Session, context: Context, app: App, rules: RouteRules, actor: Actor) -> bool:
    """And says in an event what became otherwise; False where nothing did."""
    held = rules_of(session, app.id)
    changed = [
        name.replace("_", " ") for name in RouteRules.model_fields if getattr(held, name) != getattr(rules, name)
    ]
    if changed:
        now = context.clock.now()
        keep_rules(session, app.id, rules, now)
        message = f"{actor.name} changed the rules of the route: {', '.join(changed)}."
        record(session, app.id, EVENT, message, now=now, changed=changed)
    return bool(changed)


def shown_rules(rules: RouteRules, cipher: Cipher) -> RulesEntry:
    values = {name: getattr(rules, name) for name in RouteRules.model_fields if name != "basic_auth"}
    return RulesEntry(**values, basic_auth=tuple(shown(rules, cipher)))


def rules_etag(rules: RulesEntry) -> str:
    return content_etag(rules.model_dump_json(by_alias=True))


def content_etag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def refuse_changed(stands: str, if_match: str | None, app: App) -> None:
    if if_match is not None and if_match.strip() not in {"*", stands}:
        raise PreconditionFailed(
            f"The route of {app.slug} was changed by somebody else meanwhile. Read it again, then change it."
        )


def _merged(held: RouteRules, given: dict[str, Any]) -> RouteRules:
    """Checked as a whole; what was given there was checked part by part."""
    values = {name: getattr(held, name) for name in RouteRules.model_fields if name not in given}
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        return RouteRules(**values)
    except ValidationError as error:
        sentence = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise ValidationFailed(f"These rules cannot be: {sentence}. Correct them and send them again.") from None
