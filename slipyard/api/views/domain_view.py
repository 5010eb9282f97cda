"""Domains as they are answered, each with who makes the certificate of its host."""

from slipyard.domain.schemas.domain_shapes import DomainView
from slipyard.domain.settings import Settings
from slipyard.store.tables import Domain


def domain_view(settings: Settings, row: Domain) -> DomainView:
    below = "" if row.path == "/" else row.path
    return DomainView(
        id=row.id,
        app_id=row.app_id,
        domain=row.host,
        path=row.path,
        strip_prefix=row.strip_prefix,
        redirect_to=row.redirect_to,
        redirect_status=row.redirect_status,
        url=settings.app_url(row.host) + below,
        certificate="none" if settings.tls in {"off", "files"} else settings.tls,
        created_by=row.created_by,
        created_at=row.created_at,
    )
