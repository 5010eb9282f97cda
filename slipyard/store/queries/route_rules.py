"""What the router does before an app is asked, by app."""

from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.route_rules import RouteRules
from slipyard.store.tables import App, RouteRulesRow


def rules_of(session: Session, app_id: str) -> RouteRules:
    row = session.get(RouteRulesRow, app_id)
    return RouteRules() if row is None else row.rules


def keep_rules(session: Session, app_id: str, rules: RouteRules, now: datetime) -> None:
    row = session.get(RouteRulesRow, app_id) or RouteRulesRow(app_id=app_id, rules=rules, updated_at=now)
    row.rules, row.updated_at = rules, now
    session.add(row)
    session.flush()


def rules_in_force(session: Session) -> dict[str, str]:
    """As JSON, by app. What protects an app protects its previews."""
    rules = {row.app_id: row.rules.model_dump_json(by_alias=True) for row in session.exec(select(RouteRulesRow))}
    previews = session.exec(select(App.id, App.parent_id).where(col(App.parent_id).in_(list(rules))))
    return {app_id: rules[parent] for app_id, parent in previews if parent is not None} | rules
