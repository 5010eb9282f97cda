"""The route of an app as one document: read, and replaced as a whole."""

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.host_name import parse_host_name, parse_path_prefix
from slipyard.domain.route_document import DomainEntry, RouteDocument, read_route_document, route_yaml
from slipyard.domain.route_rules import RouteRules, RouteRulesBase
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.hosts.claim_domain import (
    Faults,
    NewDomain,
    claim_domain,
    look_for_proofs,
    place,
    redirect_target,
    release_domain,
    taken,
    tell_domains,
)
from slipyard.pipeline.hosts.passwords import accounts, hashed
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.pipeline.hosts.route_rules import content_etag, refuse_changed, shown_rules, write_rules
from slipyard.store.queries.domains import domains_of
from slipyard.store.queries.route_rules import rules_of
from slipyard.store.tables import App, Domain

Place = tuple[str, str]


def route_of(session: Session, context: Context, app: App) -> str:
    """As YAML; its ETag is `content_etag` of it."""
    domains = tuple(_entry(row) for row in domains_of(session, app.id))
    rules = shown_rules(rules_of(session, app.id), context.cipher)
    return route_yaml(RouteDocument(domains=domains, rules=rules), app.host)


async def replace_route(context: Context, app_id: str, text: str, if_match: str | None, actor: Actor) -> str:
    """All of it or nothing; what stands there already is left alone. What it is now, as YAML."""
    document = read_route_document(text)
    wanted = _by_place(document.domains)
    entries = await hashed(document.rules.basic_auth)
    faults = await look_for_proofs(context, app_id, await _new_hosts(context, app_id, wanted))

    def write(session: Session) -> str:
        app = configurable_app(session, app_id)
        refuse_changed(content_etag(route_of(session, context, app)), if_match, app)
        _write_domains(session, context, app, wanted, faults, actor)
        held = rules_of(session, app.id)
        values = {name: getattr(document.rules, name) for name in RouteRulesBase.model_fields}
        write_rules(
            session, context, app, RouteRules(**values, basic_auth=accounts(entries, held, context.cipher)), actor
        )
        return route_of(session, context, app)

    try:
        route = await context.database.writing(write)
    except IntegrityError as error:
        raise taken("One of these names") from error
    await try_to_publish_hosts(context)
    return route


async def _new_hosts(context: Context, app_id: str, wanted: dict[Place, DomainEntry]) -> list[str]:
    rows = await context.database.reading(lambda session: domains_of(session, app_id))
    held = {_place(row) for row in rows}
    return sorted({host for host, path in wanted if (host, path) not in held})


def _write_domains(
    session: Session, context: Context, app: App, wanted: dict[Place, DomainEntry], faults: Faults, actor: Actor
) -> None:
    held = {_place(row): row for row in domains_of(session, app.id)}
    for row in (row for at, row in held.items() if at not in wanted):
        release_domain(session, row)
        tell_domains(session, context, app, f"{actor.name} removed the domain {place(row)}.")
    session.flush()
    for at, entry in wanted.items():
        if at not in held:
            claim_domain(session, context, app.id, _claim(entry), faults, actor)
        elif _entry(held[at]) != _normal(entry):
            _change(session, context, held[at], entry, actor, app)


def _change(session: Session, context: Context, row: Domain, entry: DomainEntry, actor: Actor, app: App) -> None:
    row.strip_prefix, row.redirect_status = entry.strip_prefix, entry.redirect_status
    row.redirect_to = redirect_target(entry.redirect_to, row.host)
    session.add(row)
    tell_domains(session, context, app, f"{actor.name} changed the domain {place(row)}.")


def _by_place(entries: tuple[DomainEntry, ...]) -> dict[Place, DomainEntry]:
    wanted: dict[Place, DomainEntry] = {}
    for entry in map(_normal, entries):
        if (entry.host, entry.path) in wanted:
            raise ValidationFailed(
                f"The route names {entry.host} with the path {entry.path} twice. Keep one of them.",
                details=[FieldProblem("domains", "names a place twice")],
            )
        wanted[entry.host, entry.path] = entry
    return wanted


def _normal(entry: DomainEntry) -> DomainEntry:
    """In the form in which names and paths are kept."""
    target = entry.redirect_to and parse_host_name(entry.redirect_to, "redirect_to")
    host, path = parse_host_name(entry.host, "domains"), parse_path_prefix(entry.path)
    return entry.model_copy(update={"host": host, "path": path, "redirect_to": target or None})


def _claim(entry: DomainEntry) -> NewDomain:
    return NewDomain(entry.host, entry.path, entry.strip_prefix, entry.redirect_to, entry.redirect_status)


def _entry(row: Domain) -> DomainEntry:
    return DomainEntry.model_validate(row.model_dump(include=set(DomainEntry.model_fields)))


def _place(row: Domain) -> Place:
    return row.host, row.path
